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

bool is_unit_file(const fs::path& path)
{
    const std::string name = path.filename();
    return name.ends_with(units::unit_file_extension) && !name.starts_with('.');
}

fs::path folder_of(const fs::path& file)
{
    return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// Files named one by one, with their neighbours, which they may depend on.
UnitSet load_with_neighbours(const fs::path& folder, const std::set<std::string>& files)
{
    std::vector<LoadedUnit> loaded;
    std::set<fs::path> named;
    for (const std::string& file : files) {
        loaded.push_back(units::load_file(file));
        named.insert(fs::path(file).filename());
    }
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end;
         !error && entry != end && loaded.size() <= units::units_max; entry.increment(error))
        if (is_unit_file(entry->path()) && !named.contains(entry->path().filename()))
            loaded.push_back(units::load_file(entry->path()));
    return units::link_units(std::move(loaded));
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
        if (fs::is_directory(path, error) || options.paths.empty())
            findings.add(units::load_directory(path), {}, runtime_dir);
        else
            files[folder_of(path)].insert(path);
    }
    for (const auto& [folder, named] : files)
        findings.add(load_with_neighbours(folder, named), named, runtime_dir);
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
