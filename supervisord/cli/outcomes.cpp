#include "cli/outcomes.hpp"

#include <fmt/format.h>

namespace keel::cli {

using control::OperationReport;
using control::Trouble;
using Outcome = core::OperationResult::Outcome;

namespace {

std::string where_to_look(const Target& target, core::Verb verb)
{
    if (core::is_deployment(verb))
        return fmt::format("`keel logs {} --deploy` shows what its steps wrote", target.unit);
    return fmt::format("`keel why {}` tells what happened and what comes next", target.unit);
}

} // namespace

void Outcomes::tell(const Target& target, const control::Reply<OperationReport>& outcome)
{
    if (const auto* trouble = control::trouble_of(outcome))
        tell_trouble(target, *trouble);
    else
        tell_report(target, std::get<OperationReport>(outcome));
}

Exit Outcomes::end()
{
    if (context_.as_json()) print("{\"operations\":[" + json_ + "]}\n");
    return exit_;
}

void Outcomes::tell_report(const Target& target, const OperationReport& report)
{
    add_json(control::encode(report));
    if (!report.outcome) {
        if (!context_.as_json())
            print(fmt::format("{}: {} accepted, operation {}\n", to_text(target), name(verb_),
                              number(report.id)));
    } else if (*report.outcome == Outcome::done) {
        if (!context_.as_json()) print(fmt::format("{}: {}\n", to_text(target), report.text));
    } else {
        complain(fmt::format("{}: {} failed: {}", to_text(target), name(verb_), report.text),
                 where_to_look(target, verb_));
        note(Exit::failed);
    }
}

void Outcomes::tell_trouble(const Target& target, const Trouble& trouble)
{
    OperationReport report{{}, verb_, target.unit, target.slot, Outcome::failed, trouble.text};
    std::string text = trouble.text;
    std::string hint = trouble.hint;
    if (trouble.kind == Trouble::Kind::timed_out) {
        text = fmt::format("the {} is not finished yet", name(verb_));
        hint = "it goes on; `keel status " + target.unit + "` shows how far it is";
        report.outcome.reset();
    }
    add_json(control::encode(report));
    complain(to_text(target) + ": " + text, hint);
    note(exit_for(trouble.kind));
}

void Outcomes::add_json(const std::string& report)
{
    if (!json_.empty()) json_ += ',';
    json_ += report;
}

/// The first thing that went wrong decides.
void Outcomes::note(Exit exit)
{
    if (exit_ == Exit::done) exit_ = exit;
}

} // namespace keel::cli
