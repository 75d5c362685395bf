// What a unit file says, after defaults and validation: plain values, no behaviour.
//
// Everything here is effective: durations are resolved, dependencies are names of units, the
// command is words. Placeholders ({unit}, {instance}, {port}, …) are still in the text; they are
// filled in per instance by units/placeholders.hpp. Meanings and defaults are the schema's
// (units/schema.cpp); a field here carries the same default so that a test can write UnitSpec{}.
#pragma once
#include "base/enum_names.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace keel::units {

using namespace std::chrono_literals;

// ---- what a unit is -----------------------------------------------------------------------------

/// `simple`: a process that stays. `oneshot`: one that does its work and ends; then it is done.
enum class UnitType : std::uint8_t { simple, oneshot };

// ---- readiness -------------------------------------------------------------------------------

/// `exec`: ready as soon as the program runs. `probe`: when startup and readiness probes pass.
/// `notify`: when the process says so, by sd_notify(3). `log`: when a line of its output matches.
/// `descriptor`: when it writes a newline to a descriptor that it was born with, as s6 has it.
enum class ReadyBy : std::uint8_t { exec, probe, notify, log, descriptor };

// ---- start, stop, restart, escalation ----------------------------------------------------------

/// Commands that run around a start and a stop, before it and after it, or make a reload.
enum class Hook : std::uint8_t { start_pre, start_post, stop_pre, stop_post, reload };

struct StartSpec {
    Duration timeout = 30s;        ///< from its beginning, `pre` included, to ready
    std::vector<std::string> pre;  ///< empty: none
    std::vector<std::string> post; ///< the same
};

struct StopSpec {
    int signal = 15;               ///< signal number sent first, to the main process
    Duration timeout = 10s;        ///< then KILL, to the whole tree
    std::vector<std::string> pre;  ///< empty: none
    std::vector<std::string> post; ///< the same
};

/// How a process is made to read its configuration again: one of the two, or not at all.
struct ReloadSpec {
    int signal = 0;                   ///< to the main process; 0: none
    std::vector<std::string> command; ///< empty: none
};

enum class RestartWhen : std::uint8_t { always, on_failure, never };

/// An exit code or a signal that ended a process, as `success_exit` and `prevent_exit` list them.
struct ExitMatch {
    enum class Kind : std::uint8_t { code, signal } kind = Kind::code;
    int number = 0;
    friend bool operator==(const ExitMatch&, const ExitMatch&) = default;
};

struct RestartSpec {
    RestartWhen policy = RestartWhen::always;
    Duration delay = 200ms;
    double factor = 2.0;
    Duration delay_max = 30s;
    double jitter = 0.1;         ///< ± this fraction of the delay
    Duration stable_after = 30s; ///< ready time that sets the delay back
    std::vector<ExitMatch> success_exit = std::vector<ExitMatch>(1); ///< exit 0
    std::vector<ExitMatch> prevent_exit;
};

/// One rung of a ladder; `run` names a hook of keel.toml.
struct Rung {
    enum class Kind : std::uint8_t { restart, redeploy, rollback, retry, give_up, exit, run };
    using enum Kind;
    Kind kind = restart;
    std::string hook; ///< `run` only

    Rung(Kind its_kind = restart, std::string its_hook = {})
        : kind(its_kind), hook(std::move(its_hook))
    {}
    friend bool operator==(const Rung&, const Rung&) = default;
};
/// `retry`, `run:page-me`.
std::string to_text(const Rung&);

/// A hook of keel.toml, which units' ladders name.
struct NamedHook {
    std::vector<std::string> command;
    Duration timeout = 30s; ///< then it has failed, and all of it is killed
    friend bool operator==(const NamedHook&, const NamedHook&) = default;
};
using NamedHooks = std::map<std::string, NamedHook>;

struct EscalationSpec {
    std::uint32_t failures = 5; ///< budget; 0: never climb
    Duration window = 10min;
    std::vector<Rung> ladder = {Rung::restart, Rung::retry};
    Duration retry_every = 1min;
};

// ---- deployment ---------------------------------------------------------------------------------

/// Something that a deployment does between unpacking a release and running it.
struct DeployStepSpec {
    std::string name;              ///< unique in the unit; default `step`, then `step-2` …
    std::vector<std::string> run;  ///< `do`
    std::vector<std::string> undo; ///< what takes it back; empty: nothing has to
    Duration timeout = 1min;       ///< of either
    friend bool operator==(const DeployStepSpec&, const DeployStepSpec&) = default;
};

/// `restart`: an instance is stopped before the one of the new release starts.
enum class DeployStrategy : std::uint8_t { restart };

/// Where a unit's releases come from and live, and when one has proved itself.
struct DeploySpec {
    std::string root;       ///< directory of the releases; empty: the unit has none
    std::string source;     ///< directory, archive, or URL; {release} in it is the release's ID
    std::string sha256;     ///< of the archive, in lower case; empty: none is known
    std::string checksums;  ///< file or https URL with a list of digests; empty: none; {release}
                            ///< in it is the release's ID
    std::uint32_t keep = 3; ///< releases that stay on the disk, besides those that are in use
    std::vector<DeployStepSpec> steps;
    DeployStrategy strategy = DeployStrategy::restart;
    Duration verify_for = 10s;   ///< ready without a break, then it has passed
    Duration timeout = 5min;     ///< without an instance more that serves, then it has failed
    Duration good_after = 10min; ///< of ready time, then it is one to roll back to
    friend bool operator==(const DeploySpec&, const DeploySpec&) = default;
};

// ---- probes ------------------------------------------------------------------------------------

enum class ProbeRole : std::uint8_t { startup, readiness, liveness };

/// The set of a probe's roles.
struct ProbeRoles {
    bool startup = true;
    bool readiness = true;
    bool liveness = true;
    friend bool operator==(const ProbeRoles&, const ProbeRoles&) = default;
};

struct StatusRange {
    int low = 200, high = 399; ///< both inclusive
    friend bool operator==(const StatusRange&, const StatusRange&) = default;
};

struct HttpTarget {
    std::string url; ///< http://…, https://… or unix:/path.sock:/request-path
    std::string method = "GET";
    std::map<std::string, std::string> headers;
    std::vector<StatusRange> status = std::vector<StatusRange>(1);
    std::string body; ///< units/expression.hpp, searched in the first 64 KiB; empty: any body
    bool tls_verify = true;
    std::string tls_ca; ///< PEM file; empty: the system's
    bool follow_redirects = false;
    friend bool operator==(const HttpTarget&, const HttpTarget&) = default;
};

struct TcpTarget {
    std::string address; ///< host:port, [v6]:port
    std::string send;
    std::string expect; ///< bytes that must occur in what comes back; empty: connecting is enough
    friend bool operator==(const TcpTarget&, const TcpTarget&) = default;
};

struct ExecTarget {
    std::vector<std::string> command;
    friend bool operator==(const ExecTarget&, const ExecTarget&) = default;
};

using ProbeTarget = std::variant<HttpTarget, TcpTarget, ExecTarget>;

struct ProbeSpec {
    std::string name; ///< unique in the unit; default `http`, `tcp`, `exec`, then `http-2` …
    ProbeTarget target;
    ProbeRoles role;
    Duration interval = 5s;
    Duration timeout = 2s;
    std::uint32_t failures = 3;
    std::uint32_t successes = 1;
    Duration delay = 0s; ///< from spawn to the first try
    friend bool operator==(const ProbeSpec&, const ProbeSpec&) = default;
};

// ---- what a process may and may not -------------------------------------------------------------

/// The resources of setrlimit(2), by their lower-case names. RLIMIT_LOCKS, which the kernel
/// ignores, is missing: keeld keeps a mark of its own there.
enum class Resource : std::uint8_t {
    as,
    core,
    cpu,
    data,
    fsize,
    memlock,
    msgqueue,
    nice,
    nofile,
    nproc,
    rss,
    rtprio,
    rttime,
    sigpending,
    stack
};

/// A limit in the resource's own unit: bytes, seconds (cpu), microseconds (rttime), or a count.
struct ResourceLimit {
    static constexpr std::uint64_t unlimited = ~0ULL; ///< RLIM_INFINITY
    std::uint64_t soft = unlimited;
    std::uint64_t hard = unlimited;
    friend bool operator==(const ResourceLimit&, const ResourceLimit&) = default;
};

/// What the processes of one instance may use together, as its control group counts it. 0: no
/// limit; a weight of 100 is what every group has.
struct ResourcesSpec {
    std::uint64_t memory_max = 0;  ///< bytes
    std::uint64_t memory_high = 0; ///< bytes
    std::uint32_t cpu_max = 0;     ///< percent of one processor
    std::uint32_t cpu_weight = 100;
    std::uint32_t pids_max = 0;
    std::uint32_t io_weight = 100;
    friend bool operator==(const ResourcesSpec&, const ResourcesSpec&) = default;
};

/// How a process stands among others. Nothing of it is inherited from keeld's own service unit.
struct SchedulingSpec {
    int nice = 0;
    int oom_score_adj = 0;
    std::vector<std::uint16_t> cpu_affinity; ///< numbers of processors, ascending; empty: all
};

// ---- log, outage -------------------------------------------------------------------------------

/// A file of Keel's, systemd's journal, keeld's own standard error, or nowhere.
enum class LogTarget : std::uint8_t { file, journal, inherit, null };
/// How lines stand in the file: as they were written, or each behind the time at which it came.
enum class LogFormat : std::uint8_t { raw, timestamp };
enum class LogCompression : std::uint8_t { none, zstd };

struct LogSpec {
    LogTarget target = LogTarget::file;
    std::uint64_t max_size = 50ULL << 20; ///< bytes, of one file
    std::uint32_t keep = 10;              ///< rotated files beside the current one
    LogFormat format = LogFormat::raw;
    Duration max_age = 0s; ///< 0: files may be of any age
    LogCompression compress = LogCompression::none;
    std::uint64_t rate = 0; ///< bytes a second of one instance; 0: any number
    friend bool operator==(const LogSpec&, const LogSpec&) = default;
};

struct OutageSpec {
    Duration grace = 0s;
    Duration settle = 10s;
    bool is_public = false;
    std::string title;
};

/// PATH of a process, and where its program is looked for, unless `environment` has one.
inline constexpr std::string_view default_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// ---- the unit ----------------------------------------------------------------------------------

struct UnitSpec {
    std::string name;
    std::string description;
    std::map<std::string, std::string> labels; ///< of its info metric, besides those of Keel
    std::vector<std::string> command;
    UnitType type = UnitType::simple;
    bool enabled = true;
    std::uint16_t instances = 1;
    std::uint16_t min_ready = 1; ///< 0: never in outage
    std::uint16_t port_base = 0; ///< 0: none; {port} is then a problem at check
    int priority = 0;            ///< higher first when the storm brake holds several back
    std::string directory = "/";
    std::map<std::string, std::string> environment;
    std::vector<std::string>
        environment_files;           ///< of an earlier one, a later one has the last word
    bool clear_environment = false;  ///< no PATH, HOME, USER … but what is said here
    std::string user;                ///< empty: keeld's own
    std::string group;               ///< empty: the user's primary group
    std::vector<std::string> groups; ///< besides those that the user database gives the user
    std::uint32_t umask = 0022;
    SchedulingSpec scheduling;
    std::map<Resource, ResourceLimit> limits; ///< those not named: login defaults
    ResourcesSpec resources;
    std::vector<std::string> requires_units;
    std::vector<std::string> binds_to; ///< required, and this one leaves with them
    std::vector<std::string> after;
    std::vector<std::string> restart_with;
    ReadyBy ready = ReadyBy::exec;
    std::string ready_line; ///< `log` only: units/expression.hpp, searched in each line
    int ready_fd = 0;       ///< `descriptor` only: its number
    StartSpec start;
    StopSpec stop;
    ReloadSpec reload;
    RestartSpec restart;
    EscalationSpec escalation;
    NamedHooks hooks; ///< of keel.toml, those that the ladder names
    Duration unready_limit = 5min;
    Duration watchdog = 0s; ///< WATCHDOG=1 must come at least so often; 0: none is awaited
    std::vector<ProbeSpec> probes;
    DeploySpec deploy;
    OutageSpec outage;
    std::vector<std::string> notify; ///< channels of keel.toml that hear of it
    LogSpec log;
    std::uint64_t recipe = 0; ///< recipe_of() the rest, filled in by whoever puts it in force
};

/// The words of a hook; empty: the unit has none of that kind.
const std::vector<std::string>& command_of(const UnitSpec&, Hook);
/// How long a hook of that kind may take.
Duration limit_of(const UnitSpec&, Hook);
inline bool has_hook(const UnitSpec& unit, Hook hook) { return !command_of(unit, hook).empty(); }

/// Whether it runs from releases.
inline bool has_releases(const UnitSpec& unit) { return !unit.deploy.root.empty(); }

/// Whether its processes are given a notify socket: only where something is awaited from them, as
/// a program that finds one may behave otherwise.
inline bool hears_notices(const UnitSpec& unit)
{
    return unit.ready == ReadyBy::notify || unit.watchdog > Duration{0};
}

} // namespace keel::units

namespace keel {
template <>
inline constexpr std::array
    names_of<units::UnitType> = std::to_array<std::string_view>({"simple", "oneshot"});
template <>
inline constexpr std::array names_of<units::ReadyBy> =
    std::to_array<std::string_view>({"exec", "probe", "notify", "log", "fd"});
template <>
inline constexpr std::array names_of<units::Hook> =
    std::to_array<std::string_view>({"start.pre", "start.post", "stop.pre", "stop.post", "reload"});
template <>
inline constexpr std::array names_of<units::RestartWhen> =
    std::to_array<std::string_view>({"always", "on-failure", "never"});
template <>
inline constexpr std::array names_of<units::Rung::Kind> = std::to_array<std::string_view>(
    {"restart", "redeploy", "rollback", "retry", "give-up", "exit", "run"});
template <>
inline constexpr std::array
    names_of<units::DeployStrategy> = std::to_array<std::string_view>({"restart"});
template <>
inline constexpr std::array names_of<units::ProbeRole> =
    std::to_array<std::string_view>({"startup", "readiness", "liveness"});
template <>
inline constexpr std::array names_of<units::Resource> = std::to_array<std::string_view>(
    {"as", "core", "cpu", "data", "fsize", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss",
     "rtprio", "rttime", "sigpending", "stack"});
template <>
inline constexpr std::array names_of<units::LogTarget> =
    std::to_array<std::string_view>({"file", "journal", "inherit", "null"});
template <>
inline constexpr std::array
    names_of<units::LogFormat> = std::to_array<std::string_view>({"raw", "timestamp"});
template <>
inline constexpr std::array
    names_of<units::LogCompression> = std::to_array<std::string_view>({"none", "zstd"});
} // namespace keel
