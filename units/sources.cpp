#include "units/sources.hpp"

#include "units/document.hpp"
#include "units/small_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <optional>

namespace keel::units {
namespace {

namespace fs = std::filesystem;

/// By name; of two folders, the first one's file hides the second one's.
using Paths = std::map<std::string, std::string>;

struct Found {
    Paths unit_files;
    Paths drop_in_folders; ///< by the name of their unit's file
};

Problem problem_of(const std::string& path, std::string message, std::string hint)
{
    return {path, 0, 0, "", std::move(message), std::move(hint)};
}

bool is_unit_file(std::string_view name)
{
    return name.ends_with(unit_file_extension) && !name.starts_with('.');
}

/// What is in the folder, as names and paths. Beyond `count_max` names of one kind it stops.
std::variant<Found, std::error_code> look_into(const std::string& folder, std::size_t count_max)
{
    Found found;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename();
        if (is_unit_file(name))
            found.unit_files.emplace(name, entry->path());
        else if (name.ends_with(drop_in_folder_extension) && !name.starts_with('.'))
            found.drop_in_folders.emplace(name.substr(0, name.size() - 2), entry->path());
        if (found.unit_files.size() > count_max || found.drop_in_folders.size() > count_max) break;
    }
    if (error) return error;
    return found;
}

/// Adds the paths of a folder's drop-ins that are not hidden by those that are there already. The
/// folder itself stands for them if it cannot be read.
void add_drop_ins(const std::string& folder, std::map<std::string, Source>& sources)
{
    auto found = look_into(folder, drop_ins_max);
    std::optional<Mistake> mistake;
    if (const auto* error = std::get_if<std::error_code>(&found))
        mistake = Mistake{std::string("cannot be read: ") + ::strerrordesc_np(error->value()),
                          "drop-ins of the unit are looked for in this folder"};
    else if (std::get<Found>(found).unit_files.size() > drop_ins_max)
        mistake =
            Mistake{fmt::format("has more than {} drop-ins", drop_ins_max), "none of them is used"};
    if (mistake) {
        sources.emplace(folder, Source{folder, std::move(*mistake)});
        return;
    }
    for (const auto& [name, path] : std::get<Found>(found).unit_files)
        if (!sources.contains(name)) sources.emplace(name, collect_source(path));
}

std::vector<Source> drop_ins_of(const std::string& file_name, const std::vector<Found>& folders)
{
    std::map<std::string, Source> sources;
    for (const Found& found : folders)
        if (const auto folder = found.drop_in_folders.find(file_name);
            folder != found.drop_in_folders.end())
            add_drop_ins(folder->second, sources);
    std::vector<Source> sorted;
    for (auto& [name, source] : sources)
        sorted.push_back(std::move(source));
    return sorted;
}

enum class Needed : std::uint8_t { no, yes };

void add_folder(const std::string& folder, Needed needed, std::vector<Found>& found,
                std::vector<Problem>& problems)
{
    if (folder.empty()) return;
    auto inside = look_into(folder, units_max);
    if (const auto* error = std::get_if<std::error_code>(&inside)) {
        if (needed == Needed::yes || *error != std::errc::no_such_file_or_directory)
            problems.push_back(problem_of(
                folder, std::string("cannot be read: ") + ::strerrordesc_np(error->value()),
                "unit files are looked for in this directory"));
    } else if (std::get<Found>(inside).unit_files.size() > units_max) {
        problems.push_back(problem_of(folder, fmt::format("has more than {} unit files", units_max),
                                      "none of them is used"));
    } else {
        found.push_back(std::move(std::get<Found>(inside)));
    }
}

void report_strays(const std::vector<Found>& folders, const Paths& units,
                   std::vector<Problem>& problems)
{
    std::vector<std::string_view> names;
    for (const auto& [name, path] : units)
        names.push_back(name);
    for (const Found& found : folders)
        for (const auto& [name, path] : found.drop_in_folders) {
            if (units.contains(name)) continue;
            problems.push_back(
                problem_of(path, fmt::format("there is no unit file {} for these drop-ins", name),
                           did_you_mean(name, names).value_or("remove them, or write the file")));
        }
}

} // namespace

std::string unit_name_of(std::string_view file)
{
    std::string_view name = file.substr(file.find_last_of('/') + 1);
    if (name.ends_with(unit_file_extension)) name.remove_suffix(unit_file_extension.size());
    return std::string(name);
}

Source collect_source(const std::string& path)
{
    return {path, read_small_file(path, document_size_max)};
}

Places places_in(const std::string& folder)
{
    return {folder + "/units", {}, folder + "/" + std::string(daemon_file_name)};
}

Collected collect(const Places& places)
{
    Collected collected{{places.daemon, std::string{}}, {}, {}};
    std::error_code ignored;
    if (!places.daemon.empty() && fs::exists(fs::symlink_status(places.daemon, ignored)))
        collected.daemon = collect_source(places.daemon);
    std::vector<Found> found;
    add_folder(places.units, Needed::yes, found, collected.problems);
    add_folder(places.vendor_units, Needed::no, found, collected.problems);
    Paths units;
    for (const Found& inside : found)
        units.insert(inside.unit_files.begin(), inside.unit_files.end());
    for (const auto& [name, path] : units)
        collected.units.push_back(
            {unit_name_of(name), collect_source(path), drop_ins_of(name, found)});
    std::sort(collected.units.begin(), collected.units.end(),
              [](const UnitSources& a, const UnitSources& b) { return a.name < b.name; });
    report_strays(found, units, collected.problems);
    return collected;
}

UnitSources collect_file(const std::string& path)
{
    UnitSources unit{unit_name_of(path), collect_source(path), {}};
    std::error_code ignored;
    std::map<std::string, Source> sources;
    if (const std::string folder = path + ".d"; fs::is_directory(folder, ignored))
        add_drop_ins(folder, sources);
    for (auto& [name, source] : sources)
        unit.drop_ins.push_back(std::move(source));
    return unit;
}

} // namespace keel::units
