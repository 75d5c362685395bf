#include "cli/completion.hpp"

#include "cli/commands.hpp"
#include "cli/status.hpp"

#include <fmt/format.h>

namespace keel::cli {
namespace {

/// A person waits for these with a finger on the key.
constexpr Duration patience = std::chrono::milliseconds(500);

Exit print_names(const Context& context, bool with_instances)
{
    const auto json =
        control::get(context.socket_path, "/v1/units?brief=1", control::deadline_in(patience));
    if (control::trouble_of(json) != nullptr) return Exit::unreachable;
    const auto units = control::decode_units(std::get<std::string>(json));
    if (!units) return Exit::failed;
    std::string text;
    for (const core::UnitView& unit : *units) {
        text += unit.name + "\n";
        if (!with_instances || unit.wanted_instances < 2) continue;
        for (unsigned slot = 1; slot <= unit.wanted_instances; ++slot)
            text += fmt::format("{}.{}\n", unit.name, slot);
    }
    print(text);
    return Exit::done;
}

Exit print_operations(const Context& context)
{
    const auto json =
        control::get(context.socket_path, "/v1/operations", control::deadline_in(patience));
    if (control::trouble_of(json) != nullptr) return Exit::unreachable;
    const auto operations = control::decode_operations(std::get<std::string>(json));
    if (!operations) return Exit::failed;
    std::string text;
    for (const core::OperationRecord& operation : *operations)
        if (!operation.outcome && core::can_be_cancelled(operation.verb))
            text += fmt::format("{}\n", number(operation.id));
    print(text);
    return Exit::done;
}

} // namespace

Exit completion(const Context& context, std::string_view word)
{
    if (word == "units" || word == "instances") return print_names(context, word == "instances");
    if (word == "operations") return print_operations(context);
    const auto shell = from_name<Shell>(word);
    if (!shell) {
        complain(fmt::format("there is no completion for `{}`", word), "bash, zsh or fish");
        return Exit::usage;
    }
    print(completion_script(*shell));
    return Exit::done;
}

} // namespace keel::cli
