#include "cli/asking.hpp"

#include "cli/context.hpp"

#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/random.h>

namespace keel::cli {

using control::Call;
using control::Deadline;
using control::OperationReport;
using control::Reply;
using control::Trouble;
using control::trouble_of;
using Kind = Trouble::Kind;

namespace {

/// Pauses before the retries of a request that another operation is in the way of.
constexpr std::array retry_pauses = {100, 200, 400, 800, 1600}; // milliseconds, for poll()

/// The outcome, also if the engine that took the request did not live to tell it: the next one
/// knows the request by its key, and does not begin it twice.
Reply<OperationReport> outcome_over_engines(const std::string& socket_path, const Call::Spec& spec,
                                            Reply<Call>& call, Deadline deadline)
{
    if (const auto* trouble = trouble_of(call)) return *trouble;
    auto outcome = outcome_of(call, deadline);
    const Deadline patience = control::deadline_in(reconnect_patience);
    while (broke_off(outcome) && std::chrono::steady_clock::now() < *patience) {
        ::poll(nullptr, 0, reconnect_pause);
        auto again = Call::begin(socket_path, spec);
        outcome = outcome_of(again, deadline);
    }
    return outcome;
}

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

} // namespace

std::string fresh_key()
{
    std::array<std::uint8_t, 16> bytes{};
    (void)!::getrandom(bytes.data(), bytes.size(), 0);
    return fmt::format("{:02x}", fmt::join(bytes, ""));
}

Call::Spec spec_of_change(const std::string& unit, core::Verb verb,
                          const control::ChangeRequest& request, const std::string& key,
                          Answer answer)
{
    Call::Spec spec;
    spec.idempotency_key = key;
    spec.method = "POST";
    spec.target = fmt::format("/v1/units/{}/{}{}", control::url_encoded(unit), name(verb),
                              answer == Answer::at_once ? "?wait=0" : "");
    spec.body = control::encode(request);
    return spec;
}

Reply<OperationReport> outcome_of(Reply<Call>& call, Deadline deadline)
{
    if (const auto* trouble = trouble_of(call)) return *trouble;
    const auto body = control::body_or_trouble(std::get<Call>(call).finish(deadline));
    if (const auto* trouble = trouble_of(body)) return *trouble;
    auto report = control::decode_operation(std::get<std::string>(body));
    if (!report) return Trouble{Kind::garbled, report.error().text(), {}};
    return std::move(*report);
}

bool broke_off(const Reply<OperationReport>& outcome)
{
    const auto* trouble = trouble_of(outcome);
    return trouble != nullptr && trouble->kind == Kind::unreachable;
}

Reply<OperationReport> ask(const std::string& socket_path, const Call::Spec& spec,
                           Reply<Call> begun, Deadline deadline)
{
    auto outcome = outcome_over_engines(socket_path, spec, begun, deadline);
    for (const int pause : retry_pauses) {
        const auto* trouble = trouble_of(outcome);
        if (trouble == nullptr || trouble->kind != Kind::conflict) break;
        ::poll(nullptr, 0, pause);
        auto again = Call::begin(socket_path, spec);
        outcome = outcome_over_engines(socket_path, spec, again, deadline);
    }
    return outcome;
}

std::optional<Target> target_for(std::string_view text, core::Verb verb)
{
    const auto target = parse_target(text);
    if (!target) {
        complain(fmt::format("`{}` is neither a unit nor an instance", text),
                 "an instance is written worker.3");
        return std::nullopt;
    }
    if (target->slot && verb != core::Verb::restart) {
        complain(
            fmt::format("one instance alone can only be restarted, not {}", participle_of(verb)),
            fmt::format("`keel {} {}` means all of its instances", name(verb), target->unit));
        return std::nullopt;
    }
    return target;
}

} // namespace keel::cli
