// What happened, told three ways: a line in the log, an event for whoever listens, a count.
#include "engine/engine.hpp"
#include "engine/log.hpp"

#include <fmt/format.h>

namespace keel::engine {

std::string Engine::subject(UnitId unit, Slot slot) const
{
    const units::UnitSpec& spec = host_.spec(unit);
    const bool is_alone = spec.instances == 1 && slot == 1; // A second one may be about to go.
    return is_alone ? spec.name : fmt::format("{}.{}", spec.name, slot);
}

void Engine::say(UnitId unit, std::string subject, std::string kind, std::string text)
{
    if (log::enabled(log::Level::info))
        log::write(log::Level::info, fmt::format("unit={} {}", subject, text));
    feed_.add({0, ports_.loop.now().wall, host_.spec(unit).name, std::move(subject),
               std::move(kind), std::move(text)});
}

/// For those who look on now. What comes every second would drown all else in the log, and in what
/// is kept of events.
void Engine::say_in_passing(UnitId unit, std::string kind, std::string text)
{
    const std::string& name = host_.spec(unit).name;
    feed_.pass_on({0, ports_.loop.now().wall, name, name, std::move(kind), std::move(text)});
}

void Engine::say_host(std::string text)
{
    log::write(log::Level::info, text);
    feed_.add({0, ports_.loop.now().wall, {}, "keeld", "keeld", std::move(text)});
}

void Engine::note_log(const std::string& unit, Slot slot, const std::string& text)
{
    if (const auto known = host_.find(unit))
        say(*known, subject(*known, slot), "log", text);
    else
        log::write(log::Level::warn, fmt::format("unit={}.{} {}", unit, slot, text));
}

void Engine::tell(const core::HostNote& note) { tell(note.unit, note.note); }

/// Before the step is journaled: what a unit no longer works at has an outcome on record.
void Engine::end_operations(const core::HostStep& step)
{
    for (const core::HostNote& note : step.notes) {
        const auto* ended = std::get_if<core::OperationEnded>(&note.note);
        if (ended == nullptr) continue;
        for (auto& done : operations_.end(ended->result, ports_.loop.now().wall))
            ports_.loop.defer([done = std::move(done), result = ended->result] { done(result); });
        if (const auto* record = operations_.find(ended->result.id)) ports_.ledger.keep(*record);
    }
}

namespace {

std::string_view noun(const core::Outage& outage)
{
    return outage.kind == core::OutageKind::degraded ? "degradation" : "outage";
}

bool counts(const core::Outage& record)
{
    return record.kind == core::OutageKind::outage && record.planned == core::Outage::Planned::no;
}

std::string text_of(const core::Failure& failure)
{
    const bool free = failure.charge == core::Failure::Charge::free;
    return fmt::format("failed: {}{}", failure.what, free ? " (not charged to the budget)" : "");
}

std::string text_of(const core::OutageOpened& opened)
{
    const bool planned = opened.record.planned == core::Outage::Planned::yes;
    return fmt::format("{}{} {} opened: {}", planned ? "planned " : "", noun(opened.record),
                       number(opened.record.id), opened.record.cause_text);
}

std::string text_of(const core::HoldEnded& ended)
{
    const core::Held& hold = ended.hold;
    return fmt::format("no longer held by {}{}{}: {}", hold.by,
                       hold.why.empty() ? "" : " for: ", hold.why, ended.why);
}

std::string text_of(const core::RungHookEnded& over)
{
    const std::string took = to_human(over.took);
    switch (over.result) {
    case core::HookResult::done:
        return fmt::format("run:{}: {} after {}", over.name, over.what, took);
    case core::HookResult::broken_off:
        return fmt::format("run:{} was broken off after {}: {}", over.name, took, over.what);
    case core::HookResult::unseen:
        return fmt::format("run:{}: {}, so it runs again", over.name, over.what);
    case core::HookResult::failed:
    case core::HookResult::put_off: break;
    }
    return fmt::format("run:{} failed after {}: {}", over.name, took, over.what);
}

std::string text_of(const core::DeploymentBegun& begun)
{
    return fmt::format("{} asked for by {}{}{}", core::title_of(begun.kind, begun.release),
                       begun.by, begun.why.empty() ? "" : ": ", begun.why);
}

std::string text_of(const core::DeploymentRecord& record)
{
    const std::string title = core::title_of(record.kind, record.release);
    const std::string former =
        record.from.empty() ? "there is no release, as before" : record.from + " is current";
    switch (record.outcome) {
    case core::CloseDeployment::Outcome::committed: return title + " is done";
    case core::CloseDeployment::Outcome::undone:
        return fmt::format("{} was undone: {}; {}", title, record.failure, former);
    case core::CloseDeployment::Outcome::stuck: break;
    }
    return fmt::format("{} could not be undone as a whole: {}; {}", title, record.failure, former);
}

std::string text_of(const core::ReleaseRemoved& removed)
{
    return removed.problem.empty()
               ? removed.release + " is removed: enough others are kept"
               : fmt::format("{} could not be removed: {}", removed.release, removed.problem);
}

} // namespace

/// Before the step is journaled, so that the journal's counters include it.
void Engine::count(const core::HostStep& step)
{
    for (const core::HostNote& note : step.notes) {
        core::UnitCounters& counted = unit_counters_[number(note.unit)];
        if (const auto* started = std::get_if<core::Started>(&note.note))
            ++counted.starts[static_cast<std::size_t>(started->cause)];
        if (const auto* held = std::get_if<core::KillHeldBack>(&note.note))
            ++counted.restraints[static_cast<std::size_t>(held->restrained.by)];
        if (const auto* certain = std::get_if<core::OutageCounted>(&note.note);
            certain != nullptr && counts(certain->record)) {
            ++counted.outages[static_cast<std::size_t>(certain->record.cause)];
            counters_.outage_detection.observe(seconds(certain->record.detection));
        }
        if (const auto* closed = std::get_if<core::OutageClosed>(&note.note);
            closed != nullptr && counts(closed->record)) {
            const double length = seconds(length_of(closed->record, ports_.loop.now().mono));
            counted.outage_seconds += length;
            counters_.outage_recovery.observe(length);
        }
        if (const auto* over = std::get_if<core::OperationEnded>(&note.note))
            ++counters_.operations[static_cast<std::size_t>(over->result.verb)]
                                  [static_cast<std::size_t>(over->result.outcome)];
        if (const auto* over = std::get_if<core::DeploymentEnded>(&note.note))
            ++counted.deploys[static_cast<std::size_t>(over->record.outcome)];
        if (std::holds_alternative<core::Frozen>(note.note)) ++counters_.invariant_failures;
    }
}

/// Whether it was about releases.
bool Engine::tell_of_releases(UnitId unit, const core::Note& note)
{
    using namespace core;
    const std::string& name = host_.spec(unit).name;
    const auto tell_it = [&](std::string text) {
        say(unit, name, "deploy", std::move(text));
        return true;
    };
    if (const auto* begun = std::get_if<DeploymentBegun>(&note)) return tell_it(text_of(*begun));
    if (const auto* moved = std::get_if<DeploymentMoved>(&note)) return tell_it(moved->what);
    if (const auto* ended = std::get_if<DeploymentEnded>(&note))
        return tell_it(text_of(ended->record));
    if (const auto* good = std::get_if<ReleaseProved>(&note))
        return tell_it(good->release + " has proved itself: it is good");
    if (const auto* gone = std::get_if<ReleaseRemoved>(&note)) return tell_it(text_of(*gone));
    return false;
}

void Engine::tell(UnitId unit, const core::Note& note)
{
    if (tell_of_releases(unit, note)) return;
    using namespace core;
    const std::string& unit_name = host_.spec(unit).name;

    if (const auto* moved = std::get_if<Moved>(&note)) {
        say(unit, subject(unit, moved->slot), "state",
            fmt::format("{} -> {} ({})", moved->from, moved->to, moved->reason));
    } else if (const auto* stayed = std::get_if<Stayed>(&note)) {
        say(unit, subject(unit, stayed->slot), "state",
            fmt::format("still {}: {}", stayed->in, stayed->reason));
    } else if (const auto* failed = std::get_if<AttemptFailed>(&note)) {
        say(unit, subject(unit, failed->slot), "failure", text_of(failed->failure));
    } else if (const auto* hook = std::get_if<HookFailed>(&note)) {
        say(unit, subject(unit, hook->slot), "hook", "failed, and nothing follows: " + hook->what);
    } else if (const auto* held = std::get_if<KillHeldBack>(&note)) {
        say(unit, subject(unit, held->slot), "liveness", held->restrained.text);
    } else if (const auto* climbed = std::get_if<Climbed>(&note)) {
        say(unit, unit_name, "rung",
            fmt::format("ladder {} -> {} ({})", to_text(climbed->from), to_text(climbed->to),
                        climbed->reason));
    } else if (const auto* skipped = std::get_if<RungSkipped>(&note)) {
        say(unit, unit_name, "rung",
            fmt::format("{} is skipped: {}", to_text(skipped->rung), skipped->why));
    } else if (const auto* over = std::get_if<RungHookEnded>(&note)) {
        say(unit, unit_name, "hook", text_of(*over));
    } else if (std::holds_alternative<BackToBottom>(note)) {
        say(unit, unit_name, "rung", "back to the bottom of the ladder after a calm window");
    } else if (const auto* opened = std::get_if<OutageOpened>(&note)) {
        say(unit, unit_name, "outage", text_of(*opened));
    } else if (const auto* closed = std::get_if<OutageClosed>(&note)) {
        const Outage& record = closed->record;
        say(unit, unit_name, "outage",
            fmt::format("{} {} closed after {}",
                        record.kind == OutageKind::blip ? "blip" : noun(record), number(record.id),
                        to_human(length_of(record, ports_.loop.now().mono))));
    } else if (const auto* ended = std::get_if<OperationEnded>(&note)) {
        say(unit, unit_name, "operation",
            fmt::format("{} {}: {}", name(ended->result.verb), name(ended->result.outcome),
                        ended->result.text));
    } else if (const auto* let_go = std::get_if<HoldEnded>(&note)) {
        say(unit, unit_name, "hold", text_of(*let_go));
    } else if (const auto* frozen = std::get_if<Frozen>(&note)) {
        say(unit, unit_name, "keeld",
            "left alone because of a mistake in keel itself: " + frozen->what);
    } else if (const auto* exit = std::get_if<ExitWanted>(&note)) {
        say(unit, unit_name, "rung", "the ladder ends keeld: " + exit->why);
    }
}

} // namespace keel::engine
