// The commands of `keel`, one function each; each file of this folder holds one group of them.
//
// They print for people or as JSON and return the exit code. Their options come as plain structs,
// already checked for form by the command line's parser.
#pragma once
#include "cli/context.hpp"
#include "control/json_codec.hpp"
#include "core/unit.hpp"

#include <optional>
#include <string>
#include <vector>

namespace keel::cli {

struct StatusOptions {
    std::vector<std::string> units; ///< none: all
    enum class Watch : std::uint8_t { no, yes } watch = Watch::no;
};
Exit status(const Context& context, const StatusOptions& options);

Exit why(const Context& context, const std::string& unit);

struct ChangeOptions {
    core::Verb verb = core::Verb::start;
    std::vector<std::string> targets; ///< units, and for restart also instances: `worker.3`
    enum class Scope : std::uint8_t { named, all } scope = Scope::named;
    enum class Wait : std::uint8_t { yes, no } wait = Wait::yes;
    std::optional<Duration> timeout;
    std::string reason;
    core::HoldTerms hold{};     ///< hold only
    core::DeployTerms deploy{}; ///< undeny only
};
Exit change(const Context& context, const ChangeOptions& options);

struct DeployOptions {
    core::Verb verb = core::Verb::deploy; ///< or rollback
    std::string unit;
    core::DeployTerms terms{}; ///< deploy only
    control::ChangeRequest::Trial trial = control::ChangeRequest::Trial::no;
    ChangeOptions::Wait wait = ChangeOptions::Wait::yes;
    std::optional<Duration> timeout{};
    std::string reason{};
};
/// Shows how far it is while it is under way.
Exit deploy(const Context& context, const DeployOptions& options);
/// Which releases of a unit there are, and which are denied.
Exit releases(const Context& context, const std::string& unit);

/// What was asked for lately, and what is under way.
Exit operations(const Context& context);
Exit cancel(const Context& context, std::uint64_t operation);

/// Runs the probes of a unit or an instance once and tells what they found.
Exit probe(const Context& context, const std::string& target);

struct LogsOptions {
    std::string target;               ///< a unit or an instance
    std::optional<std::size_t> lines; ///< of each instance; none: 50, or all since then
    std::optional<WallTime> since;
    enum class Follow : std::uint8_t { no, yes } follow = Follow::no;
    enum class Of : std::uint8_t { instances, deployments } of = Of::instances;
};
Exit logs(const Context& context, const LogsOptions& options);

struct EventsOptions {
    std::string unit;                 ///< empty: all
    std::optional<std::size_t> count; ///< none: 50, or all since then
    std::optional<WallTime> since{};
    LogsOptions::Follow follow = LogsOptions::Follow::no;
};
Exit events(const Context& context, const EventsOptions& options);

struct OutagesOptions {
    std::optional<WallTime> since; ///< open then or later
    std::size_t count = 50;
    std::optional<std::uint64_t> id{}; ///< this one, in full
};
Exit outages(const Context& context, const OutagesOptions& options);

struct ReportOptions {
    std::optional<WallTime> since; ///< none: 30 days ago
    enum class As : std::uint8_t { markdown, json } format = As::markdown;
};
/// How available units were.
Exit report(const Context& context, const ReportOptions& options);
/// The draft of a report about one outage.
Exit postmortem(const Context& context, std::uint64_t outage);

struct WaitOptions {
    std::vector<std::string> units;
    std::string state = "ready"; ///< one of wait_states()
    std::optional<Duration> timeout;
};
Exit wait(const Context& context, const WaitOptions& options);
/// What can be waited for.
std::vector<std::string> wait_states();

struct CheckOptions {
    std::vector<std::string> paths; ///< files and directories; none: the host's units
};
Exit check(const Context& context, const CheckOptions& options);

struct GraphOptions {
    std::vector<std::string> units; ///< none: all
    enum class Shape : std::uint8_t { tree, dot } shape = Shape::tree;
};
Exit graph(const Context& context, const GraphOptions& options);

enum class SchemaOf : std::uint8_t { unit_files, daemon_file };
/// The language as JSON Schema.
Exit schema(SchemaOf what);

/// Puts another configuration in force.
Exit apply(const Context& context, const control::ApplyRequest& request);

/// What applying the configuration on the disk would change.
Exit plan(const Context& context);

/// A link that opens the dashboard in a browser, once.
Exit web(const Context& context);

Exit version(const Context& context);

} // namespace keel::cli
