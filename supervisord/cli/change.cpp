// keel start, stop, restart, hold: ask, wait for the outcome, tell it.
#include "cli/asking.hpp"
#include "cli/commands.hpp"
#include "cli/outcomes.hpp"
#include "cli/words.hpp"

#include <algorithm>
#include <span>

namespace keel::cli {
namespace {

using control::Call;
using control::Deadline;
using control::Trouble;
using control::trouble_of;

/// Requests under way at a time; the daemon takes more connections than these.
constexpr std::size_t window = 32;
/// Operations under way at a time, of which none waits for another: less than the daemon remembers
/// (OperationBook::ended_max), so that each can be asked about when all others are over.
constexpr std::size_t round_max = 500;

struct Pending {
    Target target;
    Call::Spec spec; ///< with the key under which it is asked again
    control::Reply<Call> call;
};

class Changing {
public:
    Changing(const Context& context, const ChangeOptions& options)
        : context_(context), options_(options), outcomes_(context, options.verb)
    {
        if (options.timeout) deadline_ = control::deadline_in(*options.timeout);
    }

    Exit run(const std::vector<Target>& targets)
    {
        for (std::size_t from = 0; from < targets.size(); from += round_max)
            run_round({targets.data() + from, std::min(targets.size() - from, round_max)});
        return outcomes_.end();
    }

private:
    /// All begin before any is waited for. Those that find no place in one window are asked for
    /// without waiting first, and again under the same key, which does nothing twice.
    void run_round(std::span<const Target> targets)
    {
        std::vector<std::string> keys(targets.size());
        std::ranges::generate(keys, fresh_key);
        const bool waits = options_.wait == ChangeOptions::Wait::yes;
        if (targets.size() > window && waits)
            for (std::size_t from = 0; from < targets.size(); from += window)
                for (Pending& one : begin_window(targets, keys, from, Answer::at_once))
                    (void)outcome_of(one.call, deadline_); // It is told when it is asked for again.
        const Answer answer = waits ? Answer::at_the_end : Answer::at_once;
        for (std::size_t from = 0; from < targets.size(); from += window)
            for (Pending& one : begin_window(targets, keys, from, answer))
                outcomes_.tell(one.target,
                               ask(context_.socket_path, one.spec, std::move(one.call), deadline_));
    }

    std::vector<Pending> begin_window(std::span<const Target> targets,
                                      const std::vector<std::string>& keys, std::size_t from,
                                      Answer answer)
    {
        std::vector<Pending> pending;
        for (std::size_t i = from; i < std::min(targets.size(), from + window); ++i) {
            const control::ChangeRequest request{options_.reason, targets[i].slot, options_.hold,
                                                 options_.deploy};
            auto spec = spec_of_change(targets[i].unit, options_.verb, request, keys[i], answer);
            auto call = Call::begin(context_.socket_path, spec);
            pending.push_back({targets[i], std::move(spec), std::move(call)});
        }
        return pending;
    }

    const Context& context_;
    const ChangeOptions& options_;
    Deadline deadline_;
    Outcomes outcomes_;
};

/// `--all`: those that the verb can mean. A unit that is not enabled is left alone.
control::Reply<std::vector<Target>> all_targets(const Context& context, core::Verb verb)
{
    const auto body = control::get(context.socket_path, "/v1/units",
                                   control::deadline_in(std::chrono::seconds(10)));
    if (const auto* trouble = trouble_of(body)) return *trouble;
    const auto units = control::decode_units(std::get<std::string>(body));
    if (!units) return Trouble{Trouble::Kind::garbled, units.error().text(), {}};
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
        const auto target = target_for(text, options.verb);
        if (!target) return Exit::usage;
        if (std::ranges::find(targets, *target) == targets.end()) targets.push_back(*target);
    }
    return Changing(context, options).run(targets);
}

} // namespace keel::cli
