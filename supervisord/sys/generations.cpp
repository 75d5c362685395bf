#include "sys/generations.hpp"

#include "base/owned_fd.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

namespace keel::sys {
namespace fs = std::filesystem;
namespace {

constexpr const char* partial_ending = ".partial";
constexpr const char* units_folder = "units";
constexpr const char* staged_folder = "staged";
constexpr const char* current_link = "current";
constexpr const char* former_link = "former";

Error failure(const char* what, const fs::path& path, const std::error_code& code)
{
    return Error{what, path.string(), code.value()};
}

Result<void> write_file(const fs::path& path, const std::string& text)
{
    std::error_code code;
    fs::create_directories(path.parent_path(), code);
    if (code) return failure("create", path.parent_path(), code);
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.flush();
    if (!file) return Error::from_errno("write", path.string());
    return {};
}

/// All that was written below the folder is on the disk: one call instead of one per file.
Result<void> sync_tree(const fs::path& folder)
{
    const OwnedFd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened || ::syncfs(opened.get()) != 0) return Error::from_errno("sync", folder.string());
    return {};
}

} // namespace

Generations::Files files_of(const units::Collected& collected)
{
    const auto readable = [](const units::Source& source) {
        return std::holds_alternative<std::string>(source.text);
    };
    Generations::Files files;
    const auto* daemon = std::get_if<std::string>(&collected.daemon.text);
    if (daemon != nullptr && !daemon->empty())
        files[std::string(units::daemon_file_name)] = *daemon;
    for (const units::UnitSources& unit : collected.units) {
        const std::string path =
            std::string(units_folder) + "/" + unit.name + std::string(units::unit_file_extension);
        if (!readable(unit.file) ||
            !std::all_of(unit.drop_ins.begin(), unit.drop_ins.end(), readable)) {
            files[path] = "";
            continue;
        }
        files[path] = std::get<std::string>(unit.file.text);
        for (const units::Source& drop_in : unit.drop_ins)
            files[path + ".d/" + fs::path(drop_in.path).filename().string()] =
                std::get<std::string>(drop_in.text);
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
    const fs::path folder = fs::canonical(folder_ / current_link, code);
    if (code || !fs::is_directory(folder / units_folder, code)) return std::nullopt;
    return folder;
}

std::vector<std::uint64_t> Generations::numbers() const
{
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, path] : all())
        numbers.push_back(number);
    return numbers;
}

std::optional<fs::path> Generations::folder_of(std::uint64_t number) const
{
    const auto existing = all();
    const auto found = existing.find(number);
    if (found == existing.end()) return std::nullopt;
    return found->second;
}

std::optional<std::uint64_t> Generations::number_of(const char* link) const
{
    std::error_code code;
    const std::string name = fs::read_symlink(folder_ / link, code).string();
    if (code) return std::nullopt;
    for (const auto& [number, path] : all())
        if (std::to_string(number) == name) return number;
    return std::nullopt;
}

std::optional<std::uint64_t> Generations::former() const { return number_of(former_link); }

Result<std::uint64_t> Generations::store(const Files& files)
{
    const auto now = current();
    const auto number = number_of(current_link);
    if (now && number && files_of(units::collect(units::places_in(*now))) == files) return *number;
    if (auto staged = stage(files); !staged) return staged.error();
    return put_staged_in_force();
}

Result<void> Generations::stage(const Files& files) const
{
    const fs::path whole = folder_ / staged_folder;
    const fs::path partial = whole.string() + partial_ending;
    std::error_code code;
    fs::remove_all(partial, code);
    fs::remove_all(whole, code);
    fs::create_directories(partial / units_folder, code);
    if (code) return failure("create", partial, code);
    Result<void> result;
    for (const auto& [name, text] : files)
        if (result = write_file(partial / name, text); !result) break;
    if (result) result = sync_tree(partial);
    if (result) {
        fs::rename(partial, whole, code);
        if (code) result = failure("rename", partial, code);
    }
    if (!result) fs::remove_all(partial, code);
    return result;
}

Result<std::uint64_t> Generations::put_staged_in_force() const
{
    const fs::path staged = folder_ / staged_folder;
    std::error_code code;
    const auto now = current();
    const auto now_number = number_of(current_link);
    const bool is_same = now && now_number &&
                         files_of(units::collect(units::places_in(*now))) ==
                             files_of(units::collect(units::places_in(staged)));
    if (is_same) {
        fs::remove_all(staged, code);
        return *now_number;
    }
    const auto existing = all();
    const std::uint64_t number = existing.empty() ? 1 : existing.rbegin()->first + 1;
    fs::rename(staged, folder_ / std::to_string(number), code);
    if (code) return failure("rename", staged, code);
    auto put = put_in_force(number);
    if (put) prune();
    return put;
}

Result<std::uint64_t> Generations::put_in_force(std::uint64_t number) const
{
    const auto before = number_of(current_link);
    if (before == number) return number;
    if (auto switched = point(current_link, number); !switched) return switched.error();
    // Should this come to nothing, it is only one way back that is lost.
    if (before) (void)point(former_link, *before);
    if (auto kept = sync_tree(folder_); !kept) return kept.error();
    return number;
}

Result<void> Generations::note_environments(const units::EnvironmentDigests& digests) const
{
    const fs::path path = folder_ / units::environment_digests_name;
    const fs::path fresh = path.string() + ".new";
    std::error_code code;
    fs::create_directories(folder_, code);
    fs::remove(fresh, code);
    const OwnedFd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    const std::string text = units::to_text(digests);
    if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return Error::from_errno("write", fresh.string());
    fs::rename(fresh, path, code);
    if (code) return failure("rename", fresh, code);
    return {};
}

units::EnvironmentDigests Generations::environments() const
{
    const auto source = units::collect_source(folder_ / units::environment_digests_name);
    const auto* text = std::get_if<std::string>(&source.text);
    return text != nullptr ? units::digests_from(*text) : units::EnvironmentDigests{};
}

Result<void> Generations::point(const char* link, std::uint64_t number) const
{
    std::error_code code;
    const fs::path fresh = folder_ / (std::string(link) + ".new");
    fs::remove(fresh, code);
    fs::create_directory_symlink(std::to_string(number), fresh, code);
    if (!code) fs::rename(fresh, folder_ / link, code);
    if (code) return failure("switch", folder_ / link, code);
    return {};
}

void Generations::prune() const
{
    const auto existing = all();
    auto spare = existing.size() > kept_max ? existing.size() - kept_max : 0;
    std::error_code code;
    for (const auto& [old, path] : existing) {
        if (spare == 0) return;
        if (old == number_of(current_link) || old == number_of(former_link)) continue;
        fs::remove_all(path, code);
        --spare;
    }
}

} // namespace keel::sys
