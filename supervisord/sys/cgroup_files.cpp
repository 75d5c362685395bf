#include "sys/cgroup_files.hpp"

#include "base/owned_fd.hpp"

#include <array>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace keel::sys {

std::string CgroupFolder::whole(const std::string& path) const
{
    return path.empty() ? base_ : base_ + "/" + path;
}

Result<std::string> CgroupFolder::read(const std::string& path) const
{
    std::array<char, 4096> text{};
    const OwnedFd fd(::open(whole(path).c_str(), O_RDONLY | O_CLOEXEC));
    const ssize_t size = fd ? ::read(fd.get(), text.data(), text.size()) : -1;
    if (size < 0) return Error::from_errno("read", whole(path));
    return std::string(text.data(), static_cast<std::size_t>(size));
}

Result<void> CgroupFolder::write(const std::string& path, std::string_view text) const
{
    const OwnedFd fd(::open(whole(path).c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    if (!fd) return Error::from_errno("open", whole(path));
    if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return Error::from_errno("write", whole(path));
    return {};
}

std::vector<std::string> CgroupFolder::groups_in(const std::string& path) const
{
    auto names = list_groups(path);
    return names ? std::move(*names) : std::vector<std::string>{};
}

Result<std::vector<std::string>> CgroupFolder::list_groups(const std::string& path) const
{
    std::vector<std::string> names;
    std::error_code failed;
    std::filesystem::directory_iterator entry(whole(path), failed);
    for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
        std::error_code unseen;
        if (entry->is_directory(unseen)) names.push_back(entry->path().filename().native());
    }
    if (failed) return Error{"list", whole(path), failed.value()};
    return names;
}

} // namespace keel::sys
