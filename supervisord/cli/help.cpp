#include "cli/help.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace keel::cli {
namespace {

constexpr std::array pages = std::to_array<CommandHelp>({
    {"status", "how units are, a line each; one in detail",
     R"(keel status [UNIT…] [--watch]

Shows each unit: its status, how many of its instances are ready, since when, how often it was
restarted and, if it is not well, why and what comes next. With names, shows these in detail.

  --watch       show them again whenever something happens, until interrupted

Exit code 3 if a unit that should be up is not, or if a named one is not up for whatever reason.

  keel status                   everything
  keel status worker            one unit, its instances and its probes
  keel status --json | jq '.units[] | select(.status != "up") | .name'
)"},
    {"why", "the story of a unit: what happened, what holds, what comes next",
     R"(keel why UNIT

Tells why a unit is as it is: its latest steps, what holds it now, and what Keel will do next and
when.
)"},
    {"start", "start units, with what they require",
     R"(keel start UNIT…|--all [--no-wait] [--timeout D] [--reason TEXT]

Wants the units up, and with them what they require. A unit that was held or had failed is tried
again, without delay and with its budget of failures restored. Waits until they are ready.

  --all         every enabled unit
  --no-wait     return as soon as keeld has accepted
  --timeout D   wait no longer than this (30s, 2m); the operation itself goes on
  --reason TEXT for the record
)"},
    {"stop", "stop units and hold them until the next boot",
     R"(keel stop UNIT…|--all [--no-wait] [--timeout D] [--reason TEXT]

Stops the units and holds them, under your name, until `keel start` or the next boot. Waits until
no process of theirs lives.

  --all         every unit that is wanted up
  --no-wait     return as soon as keeld has accepted
  --timeout D   wait no longer than this (30s, 2m); the operation itself goes on
  --reason TEXT for the record, and for those who wonder
)"},
    {"restart", "restart units or single instances",
     R"(keel restart UNIT|INSTANCE…|--all [--no-wait] [--timeout D] [--reason TEXT]

Restarts units, several instances one after the other so that as many as are needed stay ready, or
single instances, named as `keel status` names them. Waits until they are ready again.

  --all         every unit that is wanted up
  --no-wait     return as soon as keeld has accepted
  --timeout D   wait no longer than this (30s, 2m); the operation itself goes on
  --reason TEXT for the record

  keel restart worker           all of its instances, rolling
  keel restart worker.3         the third one only
)"},
    {"hold", "hold units down, or as they are, also over boots",
     R"(keel hold UNIT…|--all --reason TEXT [--for D] [--running] [--no-wait] [--timeout D]

Stops the units and holds them, under your name and with your reason, until `keel start` or until
the time is over. Unlike after `keel stop`, they stay held when the host boots. Waits until no
process of theirs lives.

  --reason TEXT for those who wonder; `keel status` and `keel why` show it
  --for D       wanted up again after this (30m, 2h), by itself
  --running     leave the processes alone: nothing is started, signalled or killed, not even what
                fails its probes (gdb, core dumps)
  --all         every unit that is wanted up
  --no-wait     return as soon as keeld has accepted
  --timeout D   wait no longer than this (30s, 2m); the operation itself goes on

  keel hold worker --reason 'schema migration' --for 30m
  keel hold api-server --reason 'gdb, ask ann' --running
)"},
    {"logs", "what a unit wrote",
     R"(keel logs UNIT|INSTANCE [-f] [-n LINES]

Prints the last lines that a unit's instances wrote, raw. If it has several instances, each line
begins with the instance's name.

  -n, --lines N  how many lines of each instance (50)
  -f, --follow   go on as more is written, until interrupted
)"},
    {"events", "what happened lately",
     R"(keel events [-f] [-n COUNT] [--unit UNIT]

Prints the latest events: changes of state and their reasons, failures, outages, operations.

  -n, --count N  how many (50)
  -f, --follow   go on as more happens, until interrupted; with --json, one event a line
  --unit UNIT    those of one unit
)"},
    {"outages", "what was down, since when, why and for how long",
     R"(keel outages

Lists outages, open ones and those that ended, the latest first. A unit is in outage when it is
wanted up and has fewer ready instances than it needs.
)"},
    {"wait", "wait until units are in a state",
     R"(keel wait UNIT… [--for STATE] [--timeout D]

Returns when all of the units are in the state. Is woken by events, so it returns at once. Outlasts
a restart of keeld's engine.

  --for STATE   ready (default): as many instances as it needs are ready, or it has completed
                stopped: no process of it lives
                or a status: up degraded down starting blocked done held failed
  --timeout D   give up after this (30s, 2m), with exit code 7

  keel wait api-server worker --timeout 1m && run-smoke-test
)"},
    {"check", "what is wrong with unit files",
     R"(keel check [FILE|DIR…]

Checks unit files and keel.toml without touching anything and without a daemon: all problems of
all files at once, each with its place and what to do. Without arguments, keel.toml and the host's
units, also those that packages ship. Files are checked together with their drop-ins and with the
units beside them, on which they may depend.

Exit code 1 if there is a problem.
)"},
    {"plan", "what applying the configuration would change",
     R"(keel plan

Compares the configuration on the disk with the one in force: units that are new or gone, and key by
key what is different in the others, after defaults and drop-ins, with when it takes effect. Changes
nothing and needs no daemon.

Exit code 1 if the configuration on the disk has problems, or if none is in force yet.
)"},
    {"schema", "the keys of unit files, as JSON Schema",
     R"(keel schema [--daemon]

Prints the language of unit files as JSON Schema 2020-12, for editors and for programs that write
unit files. It accepts whatever `keel check` accepts; what concerns several units or the host, only
`keel check` finds.

  --daemon  of keel.toml instead
)"},
    {"version", "the versions of keel and of the running keeld",
     R"(keel version

Prints the version of this program, and that of the daemon if one runs.
)"},
    {"help", "this overview, or the page about one command",
     R"(keel help [COMMAND|exit]

Prints the overview or the page about a command. `keel help exit` lists the exit codes.
)"},
});

constexpr CommandHelp exit_codes{"exit", "what the exit codes mean",
                                 R"(0  done
1  failed: the operation did, or a check found problems
2  wrong usage, also of a name that does not exist
3  a unit is not up (keel status)
4  not allowed
5  the daemon cannot be reached
6  another operation was in the way, also after five retries
7  timed out
)"};

constexpr std::string_view introduction =
    R"(keel shows and steers the units that keeld supervises.

  keel COMMAND [ARGUMENT…] [OPTION…]

)";

constexpr std::string_view common =
    R"(
Options of every command:
  --json        print JSON, for scripts
  --root DIR    use the daemon and the files under DIR (KEEL_ROOT)
  -h, --help    the page about a command: keel status --help
)";

} // namespace

std::span<const CommandHelp> command_help() { return pages; }

const CommandHelp* help_for(std::string_view command)
{
    if (command == exit_codes.command) return &exit_codes;
    const auto found = std::ranges::find(pages, command, &CommandHelp::command);
    return found == pages.end() ? nullptr : &*found;
}

std::string overview()
{
    std::string text(introduction);
    for (const CommandHelp& page : pages)
        text += fmt::format("  {:<9} {}\n", page.command, page.summary);
    return text.append(common);
}

} // namespace keel::cli
