#include "core/deployment.hpp"

#include "base/ensure.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace keel::core {
namespace {

using Status = DeployStep::Status;
using Course = Deployment::Course;
using Outcome = CloseDeployment::Outcome;

/// One step of the machine in the making.
struct Making {
    DeploymentStep out;
    MonoTime now;

    Deployment& d() { return out.next; }
    void because(const std::string& reason)
    {
        if (!out.reason.empty()) out.reason += "; ";
        out.reason += reason;
    }
};

bool is_forward(const Deployment& d) { return d.course == Course::forward; }

DeployStep& present(Making& m)
{
    const auto at = present_step(m.d());
    ENSURE(at.has_value(), "an effect belongs to a step");
    return m.d().steps[*at];
}

void begin_effect(Making& m)
{
    Deployment& d = m.d();
    const std::size_t at = present_step(d).value();
    const DeployStep& step = d.steps[at];
    const bool has_limit = step.limit > Duration{0};
    d.stage = DeployWorking{has_limit ? std::optional(m.now + step.limit) : std::nullopt};
    if (is_forward(d))
        m.out.actions.emplace_back(DoDeployStep{at});
    else
        m.out.actions.emplace_back(UndoDeployStep{at});
    m.because(fmt::format("{}{} begins", is_forward(d) ? "" : "undoing ", step.name));
}

void write(Making& m)
{
    m.d().tries = 0;
    m.d().stage = DeployWriting{++m.d().records};
    m.out.actions.emplace_back(WriteDeployment{m.d().records});
}

void close(Making& m, Outcome outcome)
{
    m.d().stage = DeployOver{};
    m.out.actions.emplace_back(CloseDeployment{outcome});
    m.because(std::string(name(outcome)));
}

/// The next step that has an effect, on record first; or the end.
void go_on(Making& m)
{
    Deployment& d = m.d();
    while (const auto at = present_step(d)) {
        DeployStep& step = d.steps[*at];
        if (is_forward(d)) {
            step.status = Status::doing;
            return write(m);
        }
        if (step.undo == DeployStep::Undo::needed) {
            step.status = Status::undoing;
            return write(m);
        }
        step.status = Status::undone;
    }
    const bool is_stuck = std::ranges::count(d.steps, Status::stuck, &DeployStep::status) > 0;
    close(m, is_forward(d) ? Outcome::committed : is_stuck ? Outcome::stuck : Outcome::undone);
}

void go_back(Making& m, DeployFault fault, std::string why)
{
    Deployment& d = m.d();
    d.course = Course::back;
    d.fault = fault;
    d.failure = std::move(why);
    m.because(d.failure);
    go_on(m);
}

void try_again_later(Making& m, const std::string& what)
{
    Deployment& d = m.d();
    const unsigned doublings = std::min(d.tries, 10U);
    ++d.tries;
    const Duration delay = std::min(retry_delay * (1U << doublings), retry_delay_max);
    d.stage = DeployWaiting{m.now + delay};
    m.because(fmt::format("{}: {}; again in {}", present(m).name, what, to_text(delay)));
}

// ---- the end of an effect -----------------------------------------------------------------------

void forward_failed(Making& m, DeployFault fault, const std::string& what)
{
    const DeployStep& step = present(m);
    if (step.kind == DeployStepKind::commit) {
        // Nothing can be undone, and what is left to do is for people's eyes.
        if (m.d().tries + 1 < undo_tries_max) return try_again_later(m, what);
        m.because(fmt::format("{}: {}", step.name, what));
        present(m).status = Status::done;
        return go_on(m);
    }
    if (fault == DeployFault::source && step.kind == DeployStepKind::fetch)
        return try_again_later(m, what);
    go_back(m, fault, fmt::format("{}: {}", step.name, what));
}

void undo_failed(Making& m, const std::string& what)
{
    if (m.d().tries + 1 < undo_tries_max) return try_again_later(m, what);
    m.because(fmt::format("{} cannot be undone: {}", present(m).name, what));
    present(m).status = Status::stuck;
    go_on(m);
}

void end_effect(Making& m, DeployFault fault, const std::string& what)
{
    if (fault == DeployFault::none) {
        DeployStep& step = present(m);
        m.because(fmt::format("{} {}", step.name, is_forward(m.d()) ? "done" : "undone"));
        step.status = is_forward(m.d()) ? Status::done : Status::undone;
        return go_on(m);
    }
    if (is_forward(m.d()))
        forward_failed(m, fault, what);
    else
        undo_failed(m, what);
}

/// A roll needs no end of its own: undoing it is that.
void end_early(Making& m, DeployFault fault, const std::string& why)
{
    const DeployStep& step = present(m);
    if (step.kind == DeployStepKind::roll && is_forward(m.d()))
        return go_back(m, fault, fmt::format("{}: {}", step.name, why));
    if (fault == DeployFault::person && is_forward(m.d())) { // A new Keel is to know of it.
        m.d().fault = fault;
        m.d().failure = why;
    }
    m.d().stage = DeployEnding{why, fault};
    m.out.actions.emplace_back(EndDeployStep{present_step(m.d()).value()});
    m.because(fmt::format("{} is ended: {}", step.name, why));
}

/// Whose fault it is that a step takes too long.
DeployFault fault_of_lateness(DeployStepKind kind)
{
    switch (kind) {
    case DeployStepKind::fetch: return DeployFault::source;
    case DeployStepKind::unpack:
    case DeployStepKind::commit: return DeployFault::host;
    case DeployStepKind::run:
    case DeployStepKind::roll: break;
    }
    return DeployFault::release;
}

// ---- events -------------------------------------------------------------------------------------

void on(Making& m, const DeployBegun&) { go_on(m); }

void on(Making& m, const DeployResumed&)
{
    Deployment& d = m.d();
    d.tries = 0;
    if (is_forward(d) && d.fault == DeployFault::person && can_be_undone(d))
        return go_back(m, d.fault, d.failure);
    const auto at = present_step(d);
    const bool is_on_record =
        at && (d.steps[*at].status == Status::doing || d.steps[*at].status == Status::undoing);
    if (!is_on_record) return go_on(m);
    m.because("keeld began");
    write(m); // What is on record may be so on tmpfs alone.
}

void on(Making& m, const DeployWritten& e)
{
    const auto* writing = std::get_if<DeployWriting>(&m.d().stage);
    if (writing != nullptr && writing->record == e.record) begin_effect(m);
}

void on(Making& m, const DeployWorked& e)
{
    using Way = DeployWorked::Way;
    const Way way = is_forward(m.d()) ? Way::doing : Way::undoing;
    if (e.way != way || present_step(m.d()) != e.step) return;
    const auto* ending = std::get_if<DeployEnding>(&m.d().stage);
    if (ending == nullptr) {
        if (std::holds_alternative<DeployWorking>(m.d().stage)) end_effect(m, e.fault, e.what);
        return;
    }
    const DeployEnding why = *ending;
    // What was done all the same is done; but then a person's word stands.
    if (why.fault == DeployFault::person) return go_back(m, why.fault, why.why);
    const bool done = e.fault == DeployFault::none;
    end_effect(m, done ? DeployFault::none : why.fault, why.why);
}

void on(Making& m, const DeployGotOn&)
{
    auto* working = std::get_if<DeployWorking>(&m.d().stage);
    if (working == nullptr || !is_forward(m.d())) return;
    const DeployStep& step = present(m);
    if (step.kind == DeployStepKind::roll && working->limit) working->limit = m.now + step.limit;
}

void on(Making& m, const DeployAborted& e)
{
    Deployment& d = m.d();
    if (!is_forward(d) || !can_be_undone(d)) return;
    if (std::holds_alternative<DeployWorking>(d.stage))
        return end_early(m, DeployFault::person, e.why);
    if (auto* ending = std::get_if<DeployEnding>(&d.stage)) {
        *ending = {e.why, DeployFault::person};
        return m.because(e.why);
    }
    go_back(m, DeployFault::person, e.why);
}

void on(Making& m, const DeployTick&)
{
    if (const auto due = deadline_of(m.d()); !due || m.now < *due) return;
    if (std::holds_alternative<DeployWaiting>(m.d().stage)) return begin_effect(m);
    const DeployStep& step = present(m);
    end_early(m, fault_of_lateness(step.kind), "not over within " + to_text(step.limit));
}

} // namespace

DeploymentStep step(Deployment deployment, const DeployEvent& event, MonoTime now)
{
    Making m{{std::move(deployment), {}, {}}, now};
    std::visit([&](const auto& e) { on(m, e); }, event);
    return std::move(m.out);
}

std::optional<MonoTime> deadline_of(const Deployment& deployment)
{
    if (const auto* working = std::get_if<DeployWorking>(&deployment.stage)) return working->limit;
    if (const auto* waiting = std::get_if<DeployWaiting>(&deployment.stage)) return waiting->until;
    return std::nullopt;
}

bool can_be_undone(const Deployment& deployment)
{
    if (deployment.steps.empty()) return false;
    const DeployStep& last = deployment.steps.back();
    return last.kind != DeployStepKind::commit || last.status == Status::todo;
}

std::optional<std::size_t> present_step(const Deployment& deployment)
{
    const auto& steps = deployment.steps;
    if (is_forward(deployment)) {
        const auto next = std::ranges::find_if(
            steps, [](const DeployStep& step) { return step.status != Status::done; });
        if (next == steps.end()) return std::nullopt;
        return static_cast<std::size_t>(next - steps.begin());
    }
    for (std::size_t at = steps.size(); at-- > 0;) {
        const Status status = steps[at].status;
        if (status == Status::doing || status == Status::done || status == Status::undoing)
            return at;
    }
    return std::nullopt;
}

} // namespace keel::core
