// The options of each command. Included by the table of commands only.
#pragma once
#include "cli/command_table.hpp"

#include <array>

namespace keel::cli {

inline constexpr auto required = Option::Presence::required;

inline constexpr Option no_wait = {"--no-wait", "", "return as soon as keeld has accepted"};
inline constexpr Option timeout = {
    "--timeout", "D", "wait no longer than this (30s, 2m); the operation itself goes on"};
inline constexpr Option all_up = {"--all", "", "every unit that is wanted up"};
inline constexpr Option for_the_record = {"--reason", "TEXT", "for the record"};

inline constexpr std::array status_options = std::to_array<Option>({
    {"--watch", "", "show them again whenever something happens, until interrupted"},
});

inline constexpr std::array start_options =
    std::to_array<Option>({{"--all", "", "every enabled unit"}, no_wait, timeout, for_the_record});

inline constexpr std::array stop_options = std::to_array<Option>(
    {all_up, no_wait, timeout, {"--reason", "TEXT", "for the record, and for those who wonder"}});

inline constexpr std::array restart_options =
    std::to_array<Option>({all_up, no_wait, timeout, for_the_record});

inline constexpr std::array hold_options = std::to_array<Option>({
    {"--reason", "TEXT", "for those who wonder; `keel status` and `keel why` show it", 0,
     Names::nothing_known, required},
    {"--for", "D", "wanted up again after this (30m, 2h), by itself"},
    {"--running", "",
     "leave the processes alone: nothing is started, signalled or killed, not even "
     "what fails its probes (gdb, core dumps)"},
    all_up,
    no_wait,
    timeout,
});

inline constexpr Option dry_run = {"--dry-run", "", "only tell what it would do"};

inline constexpr std::array deploy_options = std::to_array<Option>({
    {"--file", "FILE", "this archive or directory, whatever deploy.source says; you vouch for it",
     0, Names::files},
    dry_run,
    no_wait,
    timeout,
    for_the_record,
});

inline constexpr std::array rollback_options =
    std::to_array<Option>({dry_run, no_wait, timeout, for_the_record});

inline constexpr std::array undeny_options =
    std::to_array<Option>({no_wait, timeout, for_the_record});

inline constexpr std::array logs_options = std::to_array<Option>({
    {"--deploy", "", "of its deployments: what their steps wrote, and what fetched and unpacked"},
    {"--follow", "", "go on as more is written, until interrupted", 'f'},
    {"--lines", "N", "how many lines of each instance (50; with --since, all)", 'n'},
    {"--since", "TIME",
     "from then on: so long ago (30m, 2h), the last 09:15, '2025-01-31 09:15', or a time\n"
     "in UTC as 2025-01-31T09:15:02Z"},
});

inline constexpr std::array events_options = std::to_array<Option>({
    {"--follow", "", "go on as more happens, until interrupted; with --json, one event a line",
     'f'},
    {"--count", "N", "how many (50; with --since, all)", 'n'},
    {"--unit", "UNIT", "those of one unit", 0, Names::units},
    {"--since", "TIME", "from then on: so long ago (30m, 2h), the last 09:15, …; see keel logs"},
});

inline constexpr std::array outages_options = std::to_array<Option>({
    {"--since", "TIME",
     "those that were open then or later: so long ago (30m, 7d), the last 09:15,\n"
     "'2025-01-31 09:15', or a time in UTC as 2025-01-31T09:15:02Z"},
    {"--count", "N", "how many (50; with --since, 1000)", 'n'},
});

inline constexpr std::array report_options = std::to_array<Option>({
    {"--since", "TIME",
     "from then on: so long ago (30d is the default, 12h), the last 09:15,\n"
     "'2025-01-31 09:15', or a time in UTC as 2025-01-31T09:15:02Z"},
    {"--format", "FORMAT", "md (Markdown, the default) or json"},
});

inline constexpr std::array graph_options = std::to_array<Option>({
    {"--dot", "", "for graphviz; thick and red is the critical path"},
});

inline constexpr std::array wait_options = std::to_array<Option>({
    {"--for", "STATE",
     "ready (default): as many instances as it needs are ready, or it has completed\n"
     "stopped: no process of it lives\n"
     "or a status: up degraded down starting blocked done held failed",
     0, Names::states},
    {"--timeout", "D", "give up after this (30s, 2m), with exit code 7"},
});

inline constexpr std::array apply_options = std::to_array<Option>({
    {"--keep", "", "stay on it even if a unit does not prove itself"},
    {"--revert", "", "not what stands on the disk: what was in force before, or generation N"},
    {"--reason", "TEXT", "for the record"},
});

inline constexpr std::array schema_options = std::to_array<Option>({
    {"--daemon", "", "of keel.toml instead"},
});

inline constexpr std::array common = std::to_array<Option>({
    {"--json", "", "print JSON, for scripts"},
    {"--root", "DIR", "use the daemon and the files under DIR (KEEL_ROOT)", 0, Names::folders},
    {"--help", "", "the page about a command: keel status --help", 'h'},
});

} // namespace keel::cli
