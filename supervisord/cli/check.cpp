// keel check: what is wrong with unit files, all of it at once. Needs no daemon.
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/table.hpp"
#include "control/json_codec.hpp"
#include "units/host_check.hpp"
#include "units/unit_set.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <set>

namespace keel::cli {
namespace {

namespace fs = std::filesystem;
using units::LoadedUnit;
using units::Problem;
using units::UnitSet;

fs::path folder_of(const fs::path& file)
{
    return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// The unit file that a path is about: of a drop-in, its unit's; else the path itself.
std::string unit_file_of(const std::string& path)
{
    const fs::path folder = folder_of(path);
    const std::string name = folder.filename();
    if (!name.ends_with(units::drop_in_folder_extension)) return path;
    return folder_of(folder) / name.substr(0, name.size() - 2);
}

/// Units named one by one, with their neighbours, which they may depend on. `named` gets the paths
/// as the units have them in the end: a drop-in's unit may be the vendor's.
UnitSet load_with_neighbours(const units::UnitFolders& folders, std::set<std::string>& named)
{
    units::Collected collected = units::collect(folders);
    std::set<std::string> files;
    for (const std::string& path : named) {
        const std::string file = unit_file_of(path);
        const auto found = std::ranges::find_if(collected.units, [&](const auto& unit) {
            return fs::path(unit.file.path).filename() == fs::path(file).filename();
        });
        if (found == collected.units.end()) {
            collected.units.push_back(units::collect_file(file));
            files.insert(file);
            continue;
        }
        if (file == path) found->file = units::collect_file(file).file;
        files.insert(found->file.path);
    }
    named = std::move(files);
    return units::load_units(collected);
}

struct Findings : control::CheckReport {
    /// `only`: files whose problems are of interest; empty: all.
    void add(const UnitSet& set, const std::set<std::string>& only, const std::string& runtime_dir)
    {
        const auto wanted = [&](const std::string& file) {
            return only.empty() || only.contains(file);
        };
        for (const Problem& problem : set.problems)
            if (wanted(problem.file)) problems.push_back(problem);
        for (const LoadedUnit& unit : set.units) {
            if (!wanted(unit.path)) continue;
            ++checked;
            auto of_unit = unit.problems;
            const auto of_host = units::check_host(unit, runtime_dir + "/" + unit.name);
            of_unit.insert(of_unit.end(), of_host.begin(), of_host.end());
            units::sort_by_position(of_unit);
            problems.insert(problems.end(), of_unit.begin(), of_unit.end());
        }
    }
};

Findings find_problems(const Context& context, const CheckOptions& options)
{
    const std::string runtime_dir = context.root + "/run/keel/units";
    Findings findings;
    std::map<fs::path, std::set<std::string>> files;
    std::vector<std::string> paths = options.paths;
    if (paths.empty()) paths.push_back(unit_directory(context.root));
    for (const std::string& path : paths) {
        std::error_code error;
        if (options.paths.empty())
            findings.add(
                units::load_units(units::collect({path, vendor_unit_directory(context.root)})), {},
                runtime_dir);
        else if (fs::is_directory(path, error))
            findings.add(units::load_directory(path), {}, runtime_dir);
        else
            files[folder_of(unit_file_of(path))].insert(path);
    }
    for (auto& [folder, named] : files) {
        const bool of_host = folder == unit_directory(context.root);
        const auto set = load_with_neighbours(
            {folder, of_host ? vendor_unit_directory(context.root) : std::string{}}, named);
        findings.add(set, named, runtime_dir);
    }
    return findings;
}

std::string counted(std::size_t count, std::string_view singular)
{
    return fmt::format("{} {}{}", count, singular, count == 1 ? "" : "s");
}

} // namespace

Exit check(const Context& context, const CheckOptions& options)
{
    const Findings findings = find_problems(context, options);
    const bool well = findings.problems.empty();
    if (context.as_json()) {
        print(control::encode(findings) + "\n");
    } else {
        std::string text;
        for (const Problem& problem : findings.problems)
            text += printable(units::to_text(problem), 2048) + "\n";
        const std::string summary =
            well ? fmt::format("{}: no problem", counted(findings.checked, "unit"))
                 : fmt::format("{} in {}", counted(findings.problems.size(), "problem"),
                               counted(findings.checked, "unit"));
        text += toned(summary, well ? Tone::good : Tone::bad, context.screen.colour) + "\n";
        print(text);
    }
    return well ? Exit::done : Exit::failed;
}

} // namespace keel::cli
