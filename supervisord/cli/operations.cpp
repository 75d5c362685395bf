// keel operations, cancel: who asked for what, how far it is, and no more of it.
#include "cli/operations.hpp"

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/words.hpp"

#include <fmt/format.h>

namespace keel::cli {
namespace {

using Outcome = core::OperationResult::Outcome;

const Duration patience = std::chrono::seconds(10);

Tone tone_of(const std::optional<Outcome>& outcome)
{
    if (!outcome) return Tone::warning;
    return *outcome == Outcome::done ? Tone::good : Tone::bad;
}

std::string target_of(const core::OperationRecord& operation)
{
    return operation.slot ? fmt::format("{}.{}", operation.unit, *operation.slot) : operation.unit;
}

} // namespace

std::string operations_table(const std::vector<core::OperationRecord>& operations, WallTime now,
                             const Screen& screen)
{
    if (operations.empty())
        return "Nothing was asked for since the host was booted: no start, no stop, no deploy.\n";
    using Align = Table::Align;
    Table table({{"ID", Align::right}, {"UNIT"}, {"VERB"}, {"BY"}, {"BEGAN"}, {"STATE"}, {"HOW"}});
    for (const auto& operation : operations) {
        const std::string why = operation.why.empty() ? "" : " (" + operation.why + ")";
        table.add({{std::to_string(number(operation.id))},
                   {target_of(operation), Tone::strong},
                   {std::string(name(operation.verb))},
                   {operation.by},
                   {local_time(operation.since, now)},
                   {operation.outcome ? std::string(name(*operation.outcome)) : "under way",
                    tone_of(operation.outcome)},
                   {operation.text + why}});
    }
    return table.text(screen);
}

Exit operations(const Context& context)
{
    const auto body =
        control::get(context.socket_path, "/v1/operations", control::deadline_in(patience));
    if (const auto* trouble = control::trouble_of(body)) return give_up(*trouble);
    const std::string& json = std::get<std::string>(body);
    if (context.as_json()) return print(json + "\n") ? Exit::done : Exit::failed;
    const auto list = control::decode_operations(json);
    if (!list) return give_up({control::Trouble::Kind::garbled, list.error().text(), {}});
    print(operations_table(*list, wall_now(), context.screen));
    return Exit::done;
}

Exit cancel(const Context& context, std::uint64_t operation)
{
    control::Call::Spec spec;
    spec.method = "DELETE";
    spec.target = fmt::format("/v1/operations/{}", operation);
    auto call = control::Call::begin(context.socket_path, spec);
    if (const auto* trouble = control::trouble_of(call)) return give_up(*trouble);
    const auto body = control::body_or_trouble(
        std::get<control::Call>(call).finish(control::deadline_in(patience)));
    if (const auto* trouble = control::trouble_of(body)) return give_up(*trouble);
    const auto list = control::decode_operations(std::get<std::string>(body));
    if (!list) return give_up({control::Trouble::Kind::garbled, list.error().text(), {}});
    for (const auto& record : *list) {
        if (number(record.id) != operation) continue;
        // A deployment has an end of its own, once all of it is undone.
        const bool is_undone = !record.outcome && core::is_deployment(record.verb);
        if (context.as_json())
            print(control::encode(std::vector{record}) + "\n");
        else
            print(fmt::format("{}: {} {}\n", target_of(record), name(record.verb),
                              is_undone ? "is being undone" : record.text));
        return is_undone || record.outcome == Outcome::cancelled ? Exit::done : Exit::failed;
    }
    return Exit::done;
}

} // namespace keel::cli
