// A cgroup of a test's own, and what real controllers there are.
#pragma once
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <vector>

namespace keel::test {

/// The path is empty where the host has no writable cgroup v2.
class Cgroup {
public:
    Cgroup()
    {
        constexpr long cgroup2_magic = 0x63677270;
        for (const char* mount : {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"}) {
            struct statfs info {};
            if (::statfs(mount, &info) != 0 || info.f_type != cgroup2_magic) continue;
            mount_ = mount;
            path = mount_ + "/keel-test-" + std::to_string(::getpid());
            if (::mkdir(path.c_str(), 0755) == 0) return;
        }
        path.clear();
    }
    ~Cgroup()
    {
        if (path.empty()) return;
        for (const char* part : {"/unit/1", "/unit/2", "/unit", ""})
            ::rmdir((path + part).c_str());
        if (!handed_down_.empty()) // Refused, and well so, where others need it by now.
            write(mount_ + "/cgroup.subtree_control", "-" + handed_down_);
    }
    Cgroup(const Cgroup&) = delete;
    Cgroup& operator=(const Cgroup&) = delete;

    /// Some controller that this group has, or can be given; empty: there is none.
    std::string some_controller()
    {
        const auto own = words(path + "/cgroup.controllers");
        if (!own.empty()) return own.front();
        for (const std::string& one : words(mount_ + "/cgroup.controllers")) {
            if (!write(mount_ + "/cgroup.subtree_control", "+" + one)) continue;
            handed_down_ = one;
            return one;
        }
        return {};
    }

    static std::vector<std::string> words(const std::string& file)
    {
        std::ifstream text(file);
        return {std::istream_iterator<std::string>(text), {}};
    }
    static bool write(const std::string& file, const std::string& text)
    {
        const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
        const bool written =
            fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
        if (fd >= 0) ::close(fd);
        return written;
    }

    std::string path;

private:
    std::string mount_;
    std::string handed_down_; ///< by the mount's root, because of us
};

} // namespace keel::test
