#include "units/schema.hpp"

#include "units/schema_parts.hpp"
#include "units/slot_path.hpp"

#include <algorithm>
#include <array>

namespace keel::units {
namespace {

// ---- places ------------------------------------------------------------------------------------

template <auto... members> constexpr PathTo<&Draft::unit, members...> unit{};

/// A resource that is not in the map has no limit of its own.
template <Resource resource>
constexpr Slot<std::optional<ResourceLimit>> limit{
    [](const Draft& draft) -> std::optional<ResourceLimit> {
        const auto found = draft.unit.limits.find(resource);
        return found == draft.unit.limits.end() ? std::nullopt : std::optional(found->second);
    },
    [](Draft& draft, std::optional<ResourceLimit> value) {
        if (value) draft.unit.limits[resource] = *value;
    }};

using U = UnitSpec;
using Sched = SchedulingSpec;
using Restart = RestartSpec;
using Climb = EscalationSpec;
using Res = ResourcesSpec;

// ---- closed sets -------------------------------------------------------------------------------

constexpr std::array<std::string_view, 1> later_types = {"forking"};
constexpr std::array<std::string_view, 3> ready_words = {"exec", "probe", "notify"};
constexpr std::array<std::string_view, 6> rung_words = {"restart", "redeploy", "rollback",
                                                        "retry",   "give-up",  "exit"};
constexpr std::array<std::string_view, 0> none{};

constexpr Slot<ReadyWhen> ready{
    [](const Draft& draft) {
        return ReadyWhen{draft.unit.ready, draft.unit.ready_line, draft.unit.ready_fd};
    },
    [](Draft& draft, ReadyWhen when) {
        draft.unit.ready = when.by;
        draft.unit.ready_line = std::move(when.line);
        draft.unit.ready_fd = when.fd;
    }};

/// `restart` is always first, and only the last rung can be one that is never climbed from. No rung
/// stands twice.
std::optional<Mistake> check_ladder(const std::vector<Rung>& rungs)
{
    const auto does_something = [](const Rung& rung) {
        return rung.kind == Rung::redeploy || rung.kind == Rung::rollback || rung.kind == Rung::run;
    };
    const auto is_release = [](const Rung& rung) {
        return rung.kind == Rung::redeploy || rung.kind == Rung::rollback;
    };
    const bool well = rungs.size() >= 2 && rungs.front() == Rung::restart &&
                      std::all_of(rungs.begin() + 1, rungs.end() - 1, does_something) &&
                      !is_release(rungs.back());
    if (well) return std::nullopt;
    return Mistake{"must be `restart` first and one of retry, give-up, exit, run:NAME last, with "
                   "nothing but redeploy, rollback and run:NAME in between",
                   "for example [\"restart\", \"retry\"]"};
}

// ---- the table ---------------------------------------------------------------------------------

using enum TakesEffect;
using enum Measure;
constexpr auto required = Presence::required;
constexpr auto filled = Braces::placeholders;
constexpr Duration second = 1s;
constexpr Duration day = 24h;
constexpr std::size_t path_max = 4095;   // PATH_MAX without its NUL
constexpr std::size_t account_max = 256; // LOGIN_NAME_MAX
constexpr std::string_view login = "keeld's own";

constexpr Key table[] = {
    {"description", Text{unit<&U::description>, &one_line, 1024}, live,
     "what the unit is, for people"},
    {"labels", TextMap{unit<&U::labels>, &label_entries, 16, Braces::plain}, live,
     "more labels for the unit's info metric, by which its other metrics can be grouped"},
    {"command", Command{unit<&U::command>, 4096}, restart,
     "program and arguments: a list, or a string split by POSIX word rules; never a shell",
     "required", "", required},
    {"type", Choice{unit<&U::type>, names_of<UnitType>, later_types}, restart,
     "`simple`: a process that stays; `oneshot`: one that does its work, ends, and is then `done`"},
    {"enabled", Boolean{unit<&U::enabled>}, live, "whether the unit is wanted up"},
    {"instances", Integer{unit<&U::instances>, 1, 1000}, live, "how many of it run side by side"},
    {"min_ready", Integer{unit<&U::min_ready>, 0, 1000}, live,
     "with fewer ready instances the unit is in outage; 0: never"},
    {"port_base", Integer{unit<&U::port_base>, 1, 65535}, restart,
     "`{port}` of instance n is port_base + n − 1", "none"},
    {"priority", Integer{unit<&U::priority>, -1000, 1000}, live,
     "higher ones go first when the storm brake holds several restarts back"},
    {"directory", Text{unit<&U::directory>, &absolute_path, path_max, filled}, restart,
     "working directory"},
    {"environment", TextMap{unit<&U::environment>, &environment_entries, 1024}, restart,
     "variables of the process"},
    {"environment_files", Texts{unit<&U::environment_files>, &absolute_path, 64, "files"}, restart,
     "files of lines NAME=value; `environment` has the last word"},
    {"clear_environment", Boolean{unit<&U::clear_environment>}, restart,
     "leave out PATH, HOME, USER, LOGNAME and SHELL"},
    {"user", Text{unit<&U::user>, &account_name, account_max}, restart, "whom it runs as",
     "keeld's own"},
    {"group", Text{unit<&U::group>, &account_name, account_max}, restart, "its primary group",
     "the user's"},
    {"groups", Texts{unit<&U::groups>, &account_name, 64, "groups"}, restart,
     "more supplementary groups than the user has"},
    {"umask", FileMode{unit<&U::umask>, 0777}, restart, "file mode creation mask"},
    {"requires", Texts{unit<&U::requires_units>, &unit_name, 256, "units"}, next_start,
     "units that must be ready before an instance starts; until then it is `blocked`"},
    {"binds_to", Texts{unit<&U::binds_to>, &unit_name, 256, "units"}, next_start,
     "as `requires`; it is also stopped when their processes are gone, and comes back with them"},
    {"after", Texts{unit<&U::after>, &unit_name, 256, "units"}, next_start,
     "units that, if wanted up, must be ready or have failed before an instance starts"},
    {"restart_with", Texts{unit<&U::restart_with>, &unit_name, 256, "units"}, live,
     "units whose restart restarts this one"},
    {"ready", Readiness{ready, ready_words, 3, 255}, next_start,
     "ready once the program runs (`exec`), once startup and readiness probes pass (`probe`), once "
     "it says `READY=1`, as sd_notify(3) has it (`notify`), once it has written a line in which an "
     "RE2 expression is found (`log:…`), or once it has written a newline to the descriptor of "
     "this "
     "number, as s6 has it (`fd:3`)",
     "`probe` if a probe has the role startup or readiness, else `exec`"},
    {"unready_limit", Span{unit<&U::unready_limit>, second, 7 * day}, live,
     "unready that long, with all it requires ready, is one failure"},
    {"watchdog", Span{unit<&U::watchdog>, 100ms, day}, restart,
     "once ready, or once it has begun, the process must send `WATCHDOG=1` at least that often",
     "none"},
    {"nice", Integer{unit<&U::scheduling, &Sched::nice>, -20, 19}, restart,
     "scheduling priority; lower goes first"},
    {"oom_score_adj", Integer{unit<&U::scheduling, &Sched::oom_score_adj>, -1000, 1000}, restart,
     "higher is killed earlier when the host runs out of memory"},
    {"cpu_affinity", Processors{unit<&U::scheduling, &Sched::cpu_affinity>, 1023}, restart,
     "processors it may run on", "all"},
    {"notify", Texts{unit<&U::notify>, &channel_name, 16, "channels"}, live,
     "channels of keel.toml that are told of its outages"},

    {"start", Section{}, live,
     "How a start goes and is judged. Hooks, here and below, run as the unit's processes do, with "
     "their own name in `KEEL_HOOK` and their output in the unit's log; what they leave running is "
     "ended with them. One that keeld's own death leaves without a known end runs again"},
    {"start.timeout", Span{unit<&U::start, &StartSpec::timeout>, 10ms, day}, next_start,
     "from its beginning, `pre` included, to ready; a start that takes longer has failed"},
    {"start.pre", Command{unit<&U::start, &StartSpec::pre>, 4096}, next_start,
     "command before each start; unless it exits 0, within `timeout`, the start has failed at "
     "`start.pre`, and counts as any failure",
     "none"},
    {"start.post", Command{unit<&U::start, &StartSpec::post>, 4096}, next_start,
     "command once ready, with the process's pid in `MAINPID`; it holds nobody up, and if it fails "
     "or takes longer than `timeout`, that is told and changes nothing",
     "none"},

    {"stop", Section{}, live, "How it is stopped"},
    {"stop.signal", SignalName{unit<&U::stop, &StopSpec::signal>}, live,
     "sent to the main process first"},
    {"stop.timeout", Span{unit<&U::stop, &StopSpec::timeout>, 0s, day}, live,
     "then KILL, to every process of the instance"},
    {"stop.pre", Command{unit<&U::stop, &StopSpec::pre>, 4096}, live,
     "command before the signal, with the process's pid in `MAINPID`; if it fails or takes longer "
     "than `timeout`, that is told and the stop goes on; not run for a process that has ended",
     "none"},
    {"stop.post", Command{unit<&U::stop, &StopSpec::post>, 4096}, live,
     "command once nothing of it lives, however it ended: stopped, crashed, or failed in `pre`; "
     "what follows waits for it; if it fails or takes longer than `timeout`, that is told",
     "none"},

    {"reload", Section{}, live,
     "How it is made to read its configuration again, by `keel reload`: exactly one of the two"},
    {"reload.signal", SignalName{unit<&U::reload, &ReloadSpec::signal>}, live,
     "sent to the main process; if that answers `RELOADING=1`, as sd_notify(3) has it, the reload "
     "is over at its `READY=1`, and has failed if that does not come within `start.timeout`",
     "none"},
    {"reload.command", Command{unit<&U::reload, &ReloadSpec::command>, 4096}, live,
     "command that reloads it, with the process's pid in `MAINPID`; the reload has failed unless "
     "it exits 0 within `start.timeout`, and nothing else follows from that",
     "none"},

    {"restart", Section{}, live, "What follows the end of a process"},
    {"restart.policy", Choice{unit<&U::restart, &Restart::policy>, names_of<RestartWhen>, none},
     live, "which ends are followed by a restart", "`always`; of a oneshot `on-failure`"},
    {"restart.delay", Span{unit<&U::restart, &Restart::delay>, 0s, day}, live,
     "delay before the second restart in a row; the first one waits 0"},
    {"restart.factor", Number{unit<&U::restart, &Restart::factor>, 1, 100}, live,
     "each further delay is the one before times this"},
    {"restart.delay_max", Span{unit<&U::restart, &Restart::delay_max>, 0s, day}, live,
     "no delay is longer"},
    {"restart.jitter", Number{unit<&U::restart, &Restart::jitter>, 0, 1}, live,
     "each delay varies by at most this part of it, either way"},
    {"restart.stable_after", Span{unit<&U::restart, &Restart::stable_after>, 0s, 7 * day}, live,
     "so much ready time sets the delay back; a clean exit before it is a failure"},
    {"restart.success_exit", ExitMatches{unit<&U::restart, &Restart::success_exit>, 256}, live,
     "exit codes and signals that are clean"},
    {"restart.prevent_exit", ExitMatches{unit<&U::restart, &Restart::prevent_exit>, 256}, live,
     "exit codes and signals after which it is not restarted"},

    {"escalation", Section{}, live, "What is tried when restarts do not help"},
    {"escalation.failures", Integer{unit<&U::escalation, &Climb::failures>, 0, 1000}, live,
     "the budget: so many failures of an instance within `window`; 0: never climb"},
    {"escalation.window", Span{unit<&U::escalation, &Climb::window>, second, 7 * day}, live,
     "how long a failure counts"},
    {"escalation.ladder",
     Rungs{unit<&U::escalation, &Climb::ladder>, rung_words, none, check_ladder}, live,
     "what is tried, in this order, each time the budget is spent; `run:NAME` runs `[hook.NAME]` "
     "of keel.toml, once, and climbs on at once if that fails; as the last rung it goes on as "
     "`retry` does. `redeploy` unpacks the release afresh, and `rollback` goes back to the last "
     "good "
     "one; both need `[deploy]`",
     "`[\"restart\", \"retry\"]`; with `[deploy]` `[\"restart\", \"redeploy\", \"rollback\", "
     "\"retry\"]`"},
    {"escalation.retry_every", Span{unit<&U::escalation, &Climb::retry_every>, 10ms, day}, live,
     "on the rung `retry`, or a last `run:NAME`: no delay is longer"},

    {"limits", Section{}, restart, "What a process may use, as setrlimit(2) has it"},
    {"limits.as", Limit{limit<Resource::as>, bytes}, restart, "address space", login},
    {"limits.core", Limit{limit<Resource::core>, bytes}, restart, "core file", "0, hard unlimited"},
    {"limits.cpu", Limit{limit<Resource::cpu>, seconds}, restart, "processor time", login},
    {"limits.data", Limit{limit<Resource::data>, bytes}, restart, "data segment and heap", login},
    {"limits.fsize", Limit{limit<Resource::fsize>, bytes}, restart, "a file it writes", login},
    {"limits.memlock", Limit{limit<Resource::memlock>, bytes}, restart, "locked memory", "8MiB"},
    {"limits.msgqueue", Limit{limit<Resource::msgqueue>, bytes}, restart, "POSIX message queues",
     login},
    {"limits.nice", Limit{limit<Resource::nice>, count}, restart,
     "20 − n lets it lower its nice value to n", login},
    {"limits.nofile", Limit{limit<Resource::nofile>, count}, restart, "open descriptors",
     "1024, hard keeld's own"},
    {"limits.nproc", Limit{limit<Resource::nproc>, count}, restart, "processes of the user", login},
    {"limits.rss", Limit{limit<Resource::rss>, bytes}, restart, "resident memory; Linux ignores it",
     login},
    {"limits.rtprio", Limit{limit<Resource::rtprio>, count}, restart, "real-time priority", login},
    {"limits.rttime", Limit{limit<Resource::rttime>, microseconds}, restart,
     "real-time processor time without a blocking call", login},
    {"limits.sigpending", Limit{limit<Resource::sigpending>, count}, restart, "queued signals",
     login},
    {"limits.stack", Limit{limit<Resource::stack>, bytes}, restart, "stack", "8MiB"},

    {"resources", Section{}, live,
     "What the processes of each instance may use together, as its control group (cgroup v2) "
     "counts "
     "it. Hooks and exec probes run in groups of their own, under the same limits. Where the host "
     "does not have what a key needs, `keel check` and `keel apply` refuse it, and a start fails "
     "at "
     "`resources`"},
    {"resources.memory_max", Size{unit<&U::resources, &Res::memory_max>, 1ULL << 20, 1ULL << 50},
     live, "memory; with more, and nothing to be taken back, the kernel ends one of them", "none"},
    {"resources.memory_high", Size{unit<&U::resources, &Res::memory_high>, 1ULL << 20, 1ULL << 50},
     live, "memory above which they are slowed down, and it is taken back from them", "none"},
    {"resources.cpu_max", Percent{unit<&U::resources, &Res::cpu_max>, 1, 102400}, live,
     "processor time, in each tenth of a second: 100% is all of one processor, 250% are two and a "
     "half",
     "none"},
    {"resources.cpu_weight", Integer{unit<&U::resources, &Res::cpu_weight>, 1, 10000}, live,
     "share of the processors where they are scarce: twice the weight, twice the time"},
    {"resources.pids_max", Integer{unit<&U::resources, &Res::pids_max>, 1, 1 << 22}, live,
     "processes and threads; with so many, there are no new ones", "none"},
    {"resources.io_weight", Integer{unit<&U::resources, &Res::io_weight>, 1, 10000}, live,
     "share of the disks where they are scarce"},

    {"log", Section{}, live, "Where its output goes"},
    {"log.target", Choice{unit<&U::log, &LogSpec::target>, names_of<LogTarget>, none}, restart,
     "a file of Keel's; systemd's journal, under the unit's name, with `<3>` and the like before a "
     "line as its priority; where keeld's own output goes; or nowhere. Where there is no journal, "
     "it is told, and `journal` is as `inherit`"},
    {"log.max_size", Size{unit<&U::log, &LogSpec::max_size>, 4ULL << 10, 1ULL << 40}, live,
     "a file that has grown to this size is rotated"},
    {"log.keep", Integer{unit<&U::log, &LogSpec::keep>, 0, 1000}, live,
     "rotated files that are kept beside the current one"},
    {"log.format", Choice{unit<&U::log, &LogSpec::format>, names_of<LogFormat>, none}, live,
     "as written, or behind the time at which Keel took each line"},
    {"log.max_age", Span{unit<&U::log, &LogSpec::max_age>, 1min, 3650 * day}, live,
     "rotated files are deleted after that time; one begun so long ago is rotated", "never"},
    {"log.compress", Choice{unit<&U::log, &LogSpec::compress>, names_of<LogCompression>, none},
     live, "how rotated files are compressed"},
    {"log.rate", Size{unit<&U::log, &LogSpec::rate>, 1ULL << 10, 1ULL << 40}, live,
     "bytes a second of one instance; what is above is dropped, and told in the log", "any"},

    {"outage", Section{}, live, "How its outages are told"},
    {"outage.grace", Span{unit<&U::outage, &OutageSpec::grace>, 0s, day}, live,
     "a shorter outage is a blip"},
    {"outage.settle", Span{unit<&U::outage, &OutageSpec::settle>, 0s, day}, live,
     "ready that long without a break closes the outage"},
    {"outage.public", Boolean{unit<&U::outage, &OutageSpec::is_public>}, live,
     "whether the public status page shows the unit"},
    {"outage.title", Text{unit<&U::outage, &OutageSpec::title>, &one_line, 256}, live,
     "its name on the public status page", "the unit's name"},
};

constexpr Key later_table[] = {
    {"socket", Later{}, restart, "sockets that keeld keeps open over restarts"},
    {"fallback", Later{}, live, "an answer while the unit is down"},
    {"capability", Later{}, live, "features that clients can ask for"},
    {"sandbox", Later{}, restart, "what the process may not do"},
};

} // namespace

std::span<const Key> schema()
{
    static const std::vector<Key> all = [] {
        std::vector<Key> keys;
        for (const std::span<const Key> part : {std::span<const Key>(table), probe_keys(),
                                                deploy_keys(), std::span<const Key>(later_table)})
            keys.insert(keys.end(), part.begin(), part.end());
        return keys;
    }();
    return all;
}

bool takes_value(const Kind& kind)
{
    return !std::holds_alternative<Section>(kind) && !std::holds_alternative<Sections>(kind) &&
           !std::holds_alternative<NamedSections>(kind) &&
           !std::holds_alternative<UnitKeys>(kind) && !std::holds_alternative<Later>(kind);
}

const Language& unit_language()
{
    static const Language language{schema(), "", "docs/generated/unit-file.md"};
    return language;
}

const Language& defaults_language()
{
    static const Language language{schema(), "defaults.", "docs/generated/unit-file.md"};
    return language;
}

std::string_view parent_of(std::string_view path)
{
    const std::size_t dot = path.rfind('.');
    return dot == std::string_view::npos ? std::string_view{} : path.substr(0, dot + 1);
}

std::string_view last_name(std::string_view path) { return path.substr(parent_of(path).size()); }

} // namespace keel::units
