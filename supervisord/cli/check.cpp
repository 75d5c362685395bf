// keel check: what is wrong with unit files, all of it at once. Needs no daemon.
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/places.hpp"
#include "cli/table.hpp"
#include "control/json_codec.hpp"
#include "units/configuration.hpp"
#include "units/host_check.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <set>

namespace keel::cli {
namespace {

namespace fs = std::filesystem;
using units::Configuration;
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
Configuration load_with_neighbours(const units::Places& places, std::set<std::string>& named)
{
    units::Collected collected = units::collect(places);
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
    return units::load_configuration(collected);
}

struct Findings : control::CheckReport {
    units::ControlGroups control_groups = units::control_groups_of_host();
    std::string journal_socket;

    void add(const units::LoadedDaemon& daemon)
    {
        problems.insert(problems.end(), daemon.problems.begin(), daemon.problems.end());
        const auto of_host = units::check_host(daemon);
        problems.insert(problems.end(), of_host.begin(), of_host.end());
    }

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
            const auto of_host =
                units::check_host(unit, {runtime_dir + "/" + unit.name, control_groups});
            of_unit.insert(of_unit.end(), of_host.begin(), of_host.end());
            units::sort_by_position(of_unit);
            problems.insert(problems.end(), of_unit.begin(), of_unit.end());
            const auto worth_knowing = units::notes_of_host(unit, journal_socket);
            notes.insert(notes.end(), worth_knowing.begin(), worth_knowing.end());
        }
    }
};

Findings find_problems(const Context& context, const CheckOptions& options)
{
    const std::string runtime_dir = context.root + "/run/keel/units";
    const units::Places host = configuration_places(context.root);
    Findings findings;
    findings.journal_socket = context.root + "/run/systemd/journal/stdout";
    if (options.paths.empty()) {
        const Configuration all = units::load_configuration(units::collect(host));
        findings.add(all.daemon);
        findings.add(all.units, {}, runtime_dir);
    }
    std::map<fs::path, std::set<std::string>> files;
    for (const std::string& path : options.paths) {
        std::error_code error;
        if (fs::is_directory(path, error))
            findings.add(units::load_directory(path), {}, runtime_dir);
        else if (fs::path(path).filename() == units::daemon_file_name)
            findings.add(units::load_daemon(units::collect_source(path)));
        else
            files[folder_of(unit_file_of(path))].insert(path);
    }
    for (auto& [folder, named] : files) {
        const units::Places places = folder == host.units ? host : units::Places{folder};
        const Configuration with_neighbours = load_with_neighbours(places, named);
        findings.add(with_neighbours.units, named, runtime_dir);
    }
    return findings;
}

std::string counted(std::size_t count, std::string_view singular)
{
    return fmt::format("{} {}{}", count, singular, count == 1 ? "" : "s");
}

std::string summary_of(const Findings& findings)
{
    std::string problems =
        findings.problems.empty() ? "no problem" : counted(findings.problems.size(), "problem");
    if (findings.checked == 0) return problems; // keel.toml alone
    const std::string units = counted(findings.checked, "unit");
    return findings.problems.empty() ? units + ": " + problems : problems + " in " + units;
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
        for (const Problem& note : findings.notes)
            text += "note: " + printable(units::to_text(note), 2048) + "\n";
        text += toned(summary_of(findings), well ? Tone::good : Tone::bad, context.screen.colour) +
                "\n";
        print(text);
    }
    return well ? Exit::done : Exit::failed;
}

} // namespace keel::cli
