// keel apply: put the configuration on the disk in force, or an earlier one, and tell what came of
// it.
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "control/client.hpp"

#include <array>
#include <fmt/format.h>
#include <poll.h>

namespace keel::cli {
namespace {

using control::Call;
using control::Trouble;
using control::trouble_of;
using core::ApplyView;
using Kind = Trouble::Kind;

/// Pauses before the retries of a request that an operation is in the way of.
constexpr std::array retry_pauses = {100, 200, 400, 800, 1600}; // milliseconds, for poll()

constexpr int refused_configuration = 422;

control::Reply<control::Response> ask(const Context& context, const control::ApplyRequest& request)
{
    auto call = Call::begin(
        context.socket_path,
        {.method = "POST", .target = "/v1/config/apply", .body = control::encode(request)});
    if (const auto* trouble = trouble_of(call)) return *trouble;
    auto reply = std::get<Call>(call).finish({});
    if (auto* trouble = std::get_if<Trouble>(&reply); trouble && trouble->kind == Kind::unreachable)
        trouble->hint = "an apply that is cut short like this is undone; `keel status` shows it";
    return reply;
}

/// The answer, after as many tries as it takes to find nobody in the way.
control::Reply<control::Response> ask_patiently(const Context& context,
                                                const control::ApplyRequest& request)
{
    constexpr int conflict = 409;
    auto reply = ask(context, request);
    for (const int pause : retry_pauses) {
        const auto* response = std::get_if<control::Response>(&reply);
        if (response == nullptr || response->status != conflict) break;
        ::poll(nullptr, 0, pause);
        reply = ask(context, request);
    }
    return reply;
}

Exit tell_problems(const Context& context, const std::string& body)
{
    const auto problems = control::decode_check_problems(body);
    if (context.as_json()) print(body + "\n");
    if (problems)
        for (const units::Problem& problem : *problems)
            complain(printable(units::to_text(problem), 2048));
    complain("nothing was changed: a configuration with problems cannot be applied");
    return Exit::failed;
}

std::string generation_text(const ApplyView& view)
{
    return view.generation ? fmt::format("generation {} is in force", *view.generation)
                           : "the former configuration is in force";
}

Exit tell(const Context& context, const ApplyView& view)
{
    const std::string why = view.unit.empty() ? view.why : view.unit + ": " + view.why;
    const std::string hint =
        view.unit.empty() ? "" : fmt::format("`keel why {}` tells what happened", view.unit);
    if (!context.as_json()) {
        std::string text;
        for (const ApplyView::Change& change : view.changes)
            text += fmt::format("{} ({})\n", change.unit, change.effect);
        if (view.changes.empty()) text += "no unit changes\n";
        if (view.outcome != ApplyView::Outcome::reverted) text += generation_text(view) + "\n";
        print(text);
    }
    switch (view.outcome) {
    case ApplyView::Outcome::applied:
    case ApplyView::Outcome::unchanged: return Exit::done;
    case ApplyView::Outcome::kept:
        complain("it has not proved itself and stays in force all the same: " + why, hint);
        return Exit::failed;
    case ApplyView::Outcome::reverted: break;
    }
    complain("reverted to what was in force before: " + why, hint);
    return Exit::failed;
}

} // namespace

Exit apply(const Context& context, const control::ApplyRequest& request)
{
    auto reply = ask_patiently(context, request);
    if (const auto* response = std::get_if<control::Response>(&reply);
        response != nullptr && response->status == refused_configuration)
        return tell_problems(context, response->body);
    const auto body = control::body_or_trouble(std::move(reply));
    if (const auto* trouble = trouble_of(body)) {
        complain(trouble->text, trouble->hint);
        return exit_for(trouble->kind);
    }
    const auto view = control::decode_apply_view(std::get<std::string>(body));
    if (!view) {
        complain(view.error().text());
        return Exit::failed;
    }
    if (context.as_json()) print(std::get<std::string>(body) + "\n");
    return tell(context, *view);
}

} // namespace keel::cli
