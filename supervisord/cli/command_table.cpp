#include "cli/command_table.hpp"

#include "cli/option_tables.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace keel::cli {
namespace {

constexpr std::array table = std::to_array<Command>({
    {.name = "status",
     .summary = "how units are, a line each; one in detail",
     .words = {"[UNIT…]", Names::units, 0, any_number},
     .options = status_options,
     .text =
         R"(Shows each unit: its status, how many of its instances are ready, since when, how
often it was restarted and, if it is not well, why and what comes next. With names,
shows these in detail.
)",
     .after =
         R"(Exit code 3 if a unit that should be up is not, or if a named one is not up for
whatever reason.

  keel status                   everything
  keel status worker            one unit, its instances and its probes
  keel status --json | jq '.units[] | select(.status != "up") | .name'
)"},
    {.name = "why",
     .summary = "the story of a unit: what happened, what holds, what comes next",
     .words = {"UNIT", Names::units, 1, 1},
     .text =
         R"(Tells why a unit is as it is: its latest steps, what holds it now, and what Keel will
do next and when.
)"},
    {.name = "start",
     .summary = "start units, with what they require",
     .words = {"UNIT…|--all", Names::units, 1, any_number},
     .options = start_options,
     .text =
         R"(Wants the units up, and with them what they require. A unit that was held or had
failed is tried again, without delay and with its budget of failures restored. Waits
until they are ready.
)"},
    {.name = "stop",
     .summary = "stop units and hold them until the next boot",
     .words = {"UNIT…|--all", Names::units, 1, any_number},
     .options = stop_options,
     .text =
         R"(Stops the units and holds them, under your name, until `keel start` or the next boot.
Waits until no process of theirs lives.
)"},
    {.name = "restart",
     .summary = "restart units or single instances",
     .words = {"UNIT|INSTANCE…|--all", Names::instances, 1, any_number},
     .options = restart_options,
     .text =
         R"(Restarts units, several instances one after the other so that as many as are needed
stay ready, or single instances, named as `keel status` names them. Waits until they
are ready again.
)",
     .after = R"(  keel restart worker           all of its instances, rolling
  keel restart worker.3         the third one only
)"},
    {.name = "reload",
     .summary = "have units read their configuration again",
     .words = {"UNIT…|--all", Names::units, 1, any_number},
     .options = restart_options,
     .text =
         R"(Tells the processes of the units to read their own configuration again, as [reload] of
the unit file says: by a signal or by a command. They go on serving. Waits until that is
over. What Keel itself knows of the unit, only `keel apply` changes.
)"},
    {.name = "hold",
     .summary = "hold units down, or as they are, also over boots",
     .words = {"UNIT…|--all", Names::units, 1, any_number},
     .options = hold_options,
     .text =
         R"(Stops the units and holds them, under your name and with your reason, until `keel
start` or until the time is over. Unlike after `keel stop`, they stay held when the
host boots. Waits until no process of theirs lives.
)",
     .after = R"(  keel hold worker --reason 'schema migration' --for 30m
  keel hold api-server --reason 'gdb, ask ann' --running
)"},
    {.name = "deploy",
     .summary = "put another release of a unit in the place of the current one",
     .words = {"UNIT RELEASE|--file FILE", Names::units, 1, 2, Words::Completed::first,
               Names::releases},
     .options = deploy_options,
     .text =
         R"(Fetches the release, verifies and unpacks it, runs the unit's steps, and moves one
instance after the other onto it, as [deploy] of the unit file says. Each must be ready on
it for a while; whatever fails, all of it is undone, and the former release is what the
unit runs on. Shows how far it is, and waits for the outcome.

RELEASE is the release's ID: letters, digits and . _ + - only. Beside --file it may be left
out: then it is what the file is called, without .tar and the like.

Ctrl-C ends the waiting and no more: the deployment goes on. `keel cancel ID` ends and
undoes it; so does a `keel stop` or `keel hold` of the unit.
)",
     .after = R"(  keel deploy panel-api 2026.11.2
  keel deploy panel-api --file build/panel-api-2026.11.3-rc1.tar.zst
  keel deploy panel-api 2026.11.2 --dry-run
)"},
    {.name = "rollback",
     .summary = "go back to the release that proved itself last",
     .words = {"UNIT", Names::deployed, 1, 1},
     .options = rollback_options,
     .text =
         R"(Moves the unit's instances back onto the latest release that proved itself, other than
the current one: `keel releases` names it. No steps are run. The release that is left is
denied: it is not deployed again until `keel undeny`, or until another one has been.
)"},
    {.name = "releases",
     .summary = "which releases of a unit there are, and which are denied",
     .words = {"UNIT", Names::units, 1, 1},
     .text =
         R"(Lists the unit's releases on the disk, the latest first: since when, how large, which is
the current one, which are good, that is, have proved themselves, and where a rollback
leads. Those that are denied have failed, or were rolled back from; `keel undeny` allows
them again.
)"},
    {.name = "undeny",
     .summary = "allow a release that has failed or was rolled back from",
     .words = {"UNIT [RELEASE]", Names::units, 1, 2, Words::Completed::first, Names::denied},
     .options = undeny_options,
     .text = R"(Lets the release be deployed again, or all that are denied.
)"},
    {.name = "operations",
     .summary = "who asked for what lately, and how far it is",
     .text =
         R"(Lists what was asked for: what is under way, and the latest that are over, the latest
first. One unit has one operation at a time; who comes second is told whose is in the way.
)"},
    {.name = "cancel",
     .summary = "end a start, a restart or a deployment that is under way",
     .words = {"ID", Names::operations, 1, 1},
     .text =
         R"(Ends an operation, named by its number in `keel operations`, and tells its asker so.
What has begun goes on: a unit stays wanted up, and instances that wait for their turn
keep their process. A deployment is undone. A stop or a hold goes to its end; `keel start`
undoes it.
)"},
    {.name = "logs",
     .summary = "what a unit wrote",
     .words = {"UNIT|INSTANCE", Names::instances, 1, 1},
     .options = logs_options,
     .text =
         R"(Prints the last lines that a unit's instances wrote, or all since a time, those in
rotated and compressed files included. If it has several instances, each line begins
with the instance's name, and lines come in the order of their times.

Lines have times if the unit's file says format = "timestamp" in [log]. Without, --since
goes by when files were written to: it shows these whole, so that nothing is missing,
says so on stderr, and shows one instance's files after another's.
)",
     .after = R"(  keel logs worker -f
  keel logs worker --since 15m
  keel logs worker.3 --since 09:15 -n 20
  keel logs panel-api --deploy
)"},
    {.name = "events",
     .summary = "what happened lately",
     .options = events_options,
     .text =
         R"(Prints the latest events: changes of state and their reasons, failures, outages,
operations.

keeld keeps the latest few thousand, in memory. With -f, what follows is shown also over
the end of keeld's engine; where events may be missing in between, that is said on
stderr, and with --json by a line {"missed": {"after": ID, "before": ID}}.
)",
     .after = R"(  keel events -f
  keel events --unit worker --since 15m
)"},
    {.name = "outages",
     .summary = "what was down, since when, why and for how long",
     .words = {"[OUTAGE]", Names::nothing_known, 0, 1},
     .options = outages_options,
     .text =
         R"(Lists outages, open ones and those that ended, the latest first, as far back as the
ledger goes: over restarts of Keel and boots of the host. A unit is in outage when it is
wanted up and has fewer ready instances than it needs.
)",
     .after =
         R"(  keel outages --since 7d
  keel outages --json | jq '.outages[] | select(.unit == "worker") | .cause'
)"},
    {.name = "report",
     .summary = "how available units were",
     .options = report_options,
     .text =
         R"(Prints, in Markdown, how available each unit was: ready time by the time in which it was
wanted up, without planned outages and without the time in which Keel was not there to
see. With it stand the number of outages, how long they took to end on average (MTTR),
how long the unit ran between them (MTBF), and the latest of them one by one.
)",
     .after =
         R"(  keel report --since 30d > report.md
  keel report --format json | jq '.units[] | select(.availability < 0.999) | .unit'
)"},
    {.name = "postmortem",
     .summary = "the draft of a report about one outage",
     .words = {"OUTAGE", Names::nothing_known, 1, 1},
     .text =
         R"(Prints, in Markdown, what is on record of an outage: when it began and ended, its cause,
the outages that it caused, and all that happened around it in the order of time. What
people have to add stands as questions. `keel outages` tells the numbers of outages.
)",
     .after = R"(  keel postmortem 12 > outage-12.md
)"},
    {.name = "web",
     .summary = "a link that opens the dashboard in a browser",
     .text =
         R"(Prints a link to the dashboard: how all units are, live, what was down, what they write.
It opens a browser's session of twelve hours, once, and must be used within two minutes.
Over the web everything can be seen and nothing can be changed.
)",
     .after = R"(  xdg-open $(keel web)
)"},
    {.name = "probe",
     .summary = "run a unit's probes once, now, and tell what they find",
     .words = {"UNIT|INSTANCE", Names::instances, 1, 1},
     .text =
         R"(Runs each probe of the unit once on each of its instances, or on one, and prints what it
found. It is a question and no more: nothing is restarted, and no probe that is due is
delayed by it. Of a unit that is down it tells what its probes would say.

Exit code 1 if a probe does not pass.
)"},
    {.name = "graph",
     .summary = "what depends on what, and what a start waited for",
     .words = {"[UNIT…]", Names::units, 0, any_number},
     .options = graph_options,
     .text =
         R"(Shows the units that no other names, and below each what it names in its file: requires,
binds_to, after, restart_with. With names, shows these units and what is below them.

Below stands the critical path of the last start: the units that, one after the other, decided
when the last one was ready, each with the time from the start of its process to its readiness.
)",
     .after = R"(  keel graph --dot | dot -Tsvg > units.svg
)"},
    {.name = "wait",
     .summary = "wait until units are in a state",
     .words = {"UNIT…", Names::units, 1, any_number},
     .options = wait_options,
     .text =
         R"(Returns when all of the units are in the state. Is woken by events, so it returns at
once. Outlasts a restart of keeld's engine.
)",
     .after = R"(  keel wait api-server worker --timeout 1m && run-smoke-test
)"},
    {.name = "check",
     .summary = "what is wrong with unit files",
     .words = {"[FILE|DIR…]", Names::files, 0, any_number},
     .text =
         R"(Checks unit files and keel.toml without touching anything and without a daemon: all
problems of all files at once, each with its place and what to do. Without arguments,
keel.toml and the host's units, also those that packages ship. Files are checked
together with their drop-ins and with the units beside them, on which they may depend.
)",
     .after = R"(Exit code 1 if there is a problem.
)"},
    {.name = "plan",
     .summary = "what applying the configuration would change",
     .text =
         R"(Compares the configuration on the disk with the one in force: units that are new or
gone, and key by key what is different in the others, after defaults and drop-ins,
with when it takes effect; also whether environment files say something else now. Then
in which order units would be stopped, restarted and started: what has the same number
need not wait for each other. Changes nothing and needs no daemon.
)",
     .after =
         R"(Exit code 1 if the configuration on the disk has problems, or if none is in force yet.
)"},
    {.name = "apply",
     .summary = "put the changed configuration in force",
     .words = {"[--revert [N]]", Names::nothing_known, 0, 1},
     .options = apply_options,
     .text =
         R"(Puts what stands on the disk in force, all of it or nothing. It is checked first, and
with any problem nothing is touched. Units that do not change are not touched either.
The others take over what is live; those whose process would be made differently are
restarted, what is needed first. Each must then be ready for ten seconds without a
break. Otherwise what was in force before is put in force again, by itself.

`keel plan` shows what would change. Waits until it is known what came of it.
)",
     .after = R"(  keel apply                    what stands on the disk
  keel apply --revert           what was in force before
  keel apply --revert 12        generation 12 (the last ten are kept)

Exit code 1 if it was refused or reverted, or has failed and was kept.
)"},
    {.name = "schema",
     .summary = "the keys of unit files, as JSON Schema",
     .options = schema_options,
     .text =
         R"(Prints the language of unit files as JSON Schema 2020-12, for editors and for programs
that write unit files. It accepts whatever `keel check` accepts; what concerns several
units or the host, only `keel check` finds.
)"},
    {.name = "completion",
     .summary = "teach a shell to complete keel's command line",
     .words = {"bash|zsh|fish", Names::shells, 1, 2, Words::Completed::first},
     .text =
         R"(Prints a script for the shell, which the package has installed already. While a person
types, it asks the daemon for the names of units, instances and releases.
)",
     .after = R"(  source <(keel completion bash)
  keel completion fish > ~/.config/fish/completions/keel.fish
)"},
    {.name = "version",
     .summary = "the versions of keel and of the running keeld",
     .text = R"(Prints the version of this program, and that of the daemon if one runs.
)"},
    {.name = "help",
     .summary = "this overview, or the page about one command",
     .words = {"[COMMAND|exit]", Names::commands, 0, 1},
     .text =
         R"(Prints the overview or the page about a command. `keel help exit` lists the exit
codes.
)"},
});

constexpr std::array exits = std::to_array<std::string_view>({
    "done",
    "failed: the operation did, or a check found problems",
    "wrong usage, also of a name that does not exist",
    "a unit is not up (keel status)",
    "not allowed",
    "the daemon cannot be reached",
    "another operation was in the way, also after five retries",
    "timed out",
});

} // namespace

std::span<const Command> commands() { return table; }

const Command* find_command(std::string_view name)
{
    const auto found = std::ranges::find(table, name, &Command::name);
    return found == table.end() ? nullptr : &*found;
}

std::span<const Option> common_options() { return common; }

std::span<const std::string_view> exit_meanings() { return exits; }

std::string usage_of(const Command& command)
{
    std::string usage = fmt::format("keel {}", command.name);
    if (!command.words.form.empty()) usage += fmt::format(" {}", command.words.form);
    for (const Option& option : command.options) {
        if (command.words.form.find(option.flag) != std::string_view::npos) continue;
        std::string form =
            option.letter != 0 ? fmt::format("-{}", option.letter) : std::string(option.flag);
        if (!option.is_switch()) form += fmt::format(" {}", option.value);
        usage += option.presence == required ? " " + form : " [" + form + "]";
    }
    return usage;
}

std::string form_of(const Option& option)
{
    std::string form = option.letter != 0 ? fmt::format("-{}, ", option.letter) : "";
    form += option.flag;
    if (!option.is_switch()) form += fmt::format(" {}", option.value);
    return form;
}

} // namespace keel::cli
