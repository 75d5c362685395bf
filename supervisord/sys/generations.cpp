#include "sys/generations.hpp"

#include <fstream>
#include <iterator>
#include <unistd.h>

namespace keel::sys {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t file_size_max = std::size_t{1} << 20;

Result<void> write_file(const fs::path& path, const std::string& text)
{
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.flush();
    if (!file) return Error::from_errno("write", path.string());
    return {};
}

Error failure(const char* what, const fs::path& path, const std::error_code& code)
{
    return Error{what, path.string(), code.value()};
}

} // namespace

Generations::Files read_unit_files(const fs::path& folder)
{
    Generations::Files files;
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(folder, code)) {
        if (entry.path().extension() != ".toml") continue;
        std::ifstream file(entry.path(), std::ios::binary);
        std::string text;
        for (std::istreambuf_iterator<char> it(file), end;
             it != end && text.size() <= file_size_max; ++it)
            text.push_back(*it);
        files.emplace(entry.path().filename().string(), std::move(text));
    }
    return files;
}

std::map<std::uint64_t, fs::path> Generations::all() const
{
    std::map<std::uint64_t, fs::path> found;
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(folder_, code)) {
        const std::string name = entry.path().filename().string();
        const bool is_number = !name.empty() && name.size() < 19 &&
                               name.find_first_not_of("0123456789") == std::string::npos;
        if (is_number) found.emplace(std::stoull(name), entry.path());
    }
    return found;
}

std::optional<fs::path> Generations::current() const
{
    std::error_code code;
    const fs::path units = folder_ / "current" / "units";
    if (!fs::is_directory(units, code)) return std::nullopt;
    return fs::canonical(units, code);
}

Result<std::uint64_t> Generations::store(const Files& files)
{
    const auto existing = all();
    const std::uint64_t newest = existing.empty() ? 0 : existing.rbegin()->first;
    if (const auto now = current(); now && read_unit_files(*now) == files) return newest;

    const std::uint64_t number = newest + 1;
    const fs::path folder = folder_ / std::to_string(number);
    std::error_code code;
    fs::create_directories(folder / "units", code);
    if (code) return failure("create", folder, code);
    for (const auto& [name, text] : files)
        if (auto written = write_file(folder / "units" / name, text); !written) {
            fs::remove_all(folder, code);
            return written.error();
        }

    const fs::path link = folder_ / "current.new";
    fs::remove(link, code);
    fs::create_directory_symlink(std::to_string(number), link, code);
    if (!code) fs::rename(link, folder_ / "current", code);
    if (code) return failure("switch", folder_ / "current", code);
    auto spare = existing.size() + 1 > kept_max ? existing.size() + 1 - kept_max : 0;
    for (const auto& [old, path] : existing) {
        if (spare-- == 0) break;
        fs::remove_all(path, code);
    }
    return number;
}

} // namespace keel::sys
