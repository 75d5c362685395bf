// keel start, stop, restart, hold: ask, wait for the outcome, tell it.
#include "cli/commands.hpp"
#include "cli/target.hpp"
#include "cli/words.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <span>
#include <sys/random.h>

namespace keel::cli {
namespace {

using control::Call;
using control::Deadline;
using control::OperationReport;
using control::Trouble;
using control::trouble_of;
using Kind = Trouble::Kind;

/// Requests under way at a time; the daemon takes more connections than these.
constexpr std::size_t window = 32;
/// Operations under way at a time, of which none waits for another: less than the daemon remembers
/// (OperationBook::ended_max), so that each can be asked about when all others are over.
constexpr std::size_t round_max = 500;

/// Pauses before the retries of a request that another operation is in the way of.
constexpr std::array retry_pauses = {100, 200, 400, 800, 1600}; // milliseconds, for poll()

/// For so long a request whose connection broke is asked again: an engine that was replaced is back
/// long before.
const Duration reconnect_patience = std::chrono::seconds(10);
constexpr int reconnect_pause = 50; // milliseconds, for poll()

struct Pending {
    Target target;
    std::string key; ///< under which it is asked again
    control::Reply<Call> call;
};

/// Nobody else's, for ever.
std::string fresh_key()
{
    std::array<std::uint8_t, 16> bytes{};
    (void)!::getrandom(bytes.data(), bytes.size(), 0);
    return fmt::format("{:02x}", fmt::join(bytes, ""));
}

Call::Spec spec_of(const ChangeOptions& options, const Target& target, const std::string& key,
                   ChangeOptions::Wait wait)
{
    Call::Spec spec;
    spec.idempotency_key = key;
    spec.method = "POST";
    spec.target = fmt::format("/v1/units/{}/{}{}", control::url_encoded(target.unit),
                              name(options.verb), wait == ChangeOptions::Wait::no ? "?wait=0" : "");
    spec.body = control::encode(control::ChangeRequest{options.reason, target.slot, options.hold});
    return spec;
}

class Changing {
public:
    Changing(const Context& context, const ChangeOptions& options)
        : context_(context), options_(options)
    {
        if (options.timeout) deadline_ = control::deadline_in(*options.timeout);
    }

    Exit run(const std::vector<Target>& targets)
    {
        for (std::size_t from = 0; from < targets.size(); from += round_max)
            run_round({targets.data() + from, std::min(targets.size() - from, round_max)});
        if (context_.as_json()) print("{\"operations\":[" + json_ + "]}\n");
        return exit_;
    }

private:
    /// All begin before any is waited for. Those that find no place in one window are asked for
    /// without waiting first, and again under the same key, which does nothing twice.
    void run_round(std::span<const Target> targets)
    {
        std::vector<std::string> keys(targets.size());
        std::ranges::generate(keys, fresh_key);
        const bool twice = targets.size() > window && options_.wait == ChangeOptions::Wait::yes;
        if (twice)
            for (std::size_t from = 0; from < targets.size(); from += window)
                for (Pending& one : begin_window(targets, keys, from, ChangeOptions::Wait::no))
                    (void)outcome_of(one.call, deadline_); // It is told when it is asked for again.
        for (std::size_t from = 0; from < targets.size(); from += window)
            for (Pending& one : begin_window(targets, keys, from, options_.wait))
                finish(one);
    }

    std::vector<Pending> begin_window(std::span<const Target> targets,
                                      const std::vector<std::string>& keys, std::size_t from,
                                      ChangeOptions::Wait wait)
    {
        std::vector<Pending> pending;
        for (std::size_t i = from; i < std::min(targets.size(), from + window); ++i)
            pending.push_back({targets[i], keys[i], begin(targets[i], keys[i], wait)});
        return pending;
    }

    control::Reply<Call> begin(const Target& target, const std::string& key,
                               ChangeOptions::Wait wait)
    {
        return Call::begin(context_.socket_path, spec_of(options_, target, key, wait));
    }

    /// The outcome, also if the engine that took the request did not live to tell it: the next one
    /// knows the request by its key, and does not begin it twice.
    control::Reply<OperationReport>
    outcome_over_engines(const Target& target, const std::string& key, control::Reply<Call>& call)
    {
        if (const auto* trouble = trouble_of(call)) return *trouble;
        auto outcome = outcome_of(call, deadline_);
        const Deadline patience = control::deadline_in(reconnect_patience);
        while (broke_off(outcome) && std::chrono::steady_clock::now() < *patience) {
            ::poll(nullptr, 0, reconnect_pause);
            auto again = begin(target, key, options_.wait);
            outcome = outcome_of(again, deadline_);
        }
        return outcome;
    }

    static bool broke_off(const control::Reply<OperationReport>& outcome)
    {
        const auto* trouble = trouble_of(outcome);
        return trouble != nullptr && trouble->kind == Kind::unreachable;
    }

    static control::Reply<OperationReport> outcome_of(control::Reply<Call>& call, Deadline deadline)
    {
        if (const auto* trouble = trouble_of(call)) return *trouble;
        const auto body = control::body_or_trouble(std::get<Call>(call).finish(deadline));
        if (const auto* trouble = trouble_of(body)) return *trouble;
        auto report = control::decode_operation(std::get<std::string>(body));
        if (!report) return Trouble{Kind::garbled, report.error().text(), {}};
        return std::move(*report);
    }

    void finish(Pending& pending)
    {
        auto outcome = outcome_over_engines(pending.target, pending.key, pending.call);
        for (const int pause : retry_pauses) {
            const auto* trouble = trouble_of(outcome);
            if (trouble == nullptr || trouble->kind != Kind::conflict) break;
            ::poll(nullptr, 0, pause);
            auto again = begin(pending.target, pending.key, options_.wait);
            outcome = outcome_over_engines(pending.target, pending.key, again);
        }
        if (const auto* trouble = trouble_of(outcome))
            tell(pending.target, *trouble);
        else
            tell(pending.target, std::get<OperationReport>(outcome));
    }

    void tell(const Target& target, const OperationReport& report)
    {
        add_json(control::encode(report));
        if (!report.outcome) {
            if (!context_.as_json())
                print(fmt::format("{}: {} accepted, operation {}\n", to_text(target),
                                  name(options_.verb), number(report.id)));
        } else if (*report.outcome == core::OperationResult::Outcome::done) {
            if (!context_.as_json()) print(fmt::format("{}: {}\n", to_text(target), report.text));
        } else {
            complain(
                fmt::format("{}: {} failed: {}", to_text(target), name(options_.verb), report.text),
                fmt::format("`keel why {}` tells what happened and what comes next", target.unit));
            note(Exit::failed);
        }
    }

    void tell(const Target& target, const Trouble& trouble)
    {
        OperationReport report{{},
                               options_.verb,
                               target.unit,
                               target.slot,
                               core::OperationResult::Outcome::failed,
                               trouble.text};
        std::string text = trouble.text;
        std::string hint = trouble.hint;
        if (trouble.kind == Kind::timed_out) {
            text = fmt::format("the {} is not finished yet", name(options_.verb));
            hint = "it goes on; `keel status " + target.unit + "` shows how far it is";
            report.outcome.reset();
        }
        add_json(control::encode(report));
        complain(to_text(target) + ": " + text, hint);
        note(exit_for(trouble.kind));
    }

    void add_json(const std::string& report)
    {
        if (!json_.empty()) json_ += ',';
        json_ += report;
    }

    /// The first thing that went wrong decides.
    void note(Exit exit)
    {
        if (exit_ == Exit::done) exit_ = exit;
    }

    const Context& context_;
    const ChangeOptions& options_;
    Deadline deadline_;
    Exit exit_ = Exit::done;
    std::string json_;
};

std::string_view participle_of(core::Verb verb)
{
    switch (verb) {
    case core::Verb::start: return "started";
    case core::Verb::stop: return "stopped";
    case core::Verb::restart: return "restarted";
    case core::Verb::reload: return "reloaded";
    case core::Verb::deploy: return "deployed";
    case core::Verb::rollback: return "rolled back";
    case core::Verb::undeny: return "allowed";
    case core::Verb::hold: break;
    }
    return "held";
}

/// `--all`: those that the verb can mean. A unit that is not enabled is left alone.
control::Reply<std::vector<Target>> all_targets(const Context& context, core::Verb verb)
{
    const auto body = control::get(context.socket_path, "/v1/units",
                                   control::deadline_in(std::chrono::seconds(10)));
    if (const auto* trouble = trouble_of(body)) return *trouble;
    const auto units = control::decode_units(std::get<std::string>(body));
    if (!units) return Trouble{Kind::garbled, units.error().text(), {}};
    std::vector<Target> targets;
    for (const auto& unit : *units) {
        if (is_wanted_up(unit) || (is_held(unit) && verb == core::Verb::start))
            targets.push_back({unit.name, {}});
    }
    return targets;
}

} // namespace

Exit change(const Context& context, const ChangeOptions& options)
{
    std::vector<Target> targets;
    if (options.scope == ChangeOptions::Scope::all) {
        auto all = all_targets(context, options.verb);
        if (const auto* trouble = trouble_of(all)) return give_up(*trouble);
        targets = std::move(std::get<std::vector<Target>>(all));
    }
    for (const std::string& text : options.targets) {
        const auto target = parse_target(text);
        if (!target) {
            complain(fmt::format("`{}` is neither a unit nor an instance", text),
                     "an instance is written worker.3");
            return Exit::usage;
        }
        if (target->slot && options.verb != core::Verb::restart) {
            complain(fmt::format("one instance alone can only be restarted, not {}",
                                 participle_of(options.verb)),
                     fmt::format("`keel {} {}` means all of its instances", name(options.verb),
                                 target->unit));
            return Exit::usage;
        }
        if (std::ranges::find(targets, *target) == targets.end()) targets.push_back(*target);
    }
    return Changing(context, options).run(targets);
}

} // namespace keel::cli
