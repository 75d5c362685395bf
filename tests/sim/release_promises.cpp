// What PRODUCT promises of releases, seen from outside.
#include "tests/sim/release_world.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace keel::sim {

using namespace std::chrono_literals;
using Kind = core::UnitDeployment::Kind;
using Asker = core::UnitDeployment::Asker;
using Outcome = core::CloseDeployment::Outcome;

namespace {

bool serves(const std::string& state) { return state == "ready" || state == "done"; }

} // namespace

// ---- what is told -------------------------------------------------------------------------------

/// `ready -> stopping (onto r2)`
void ReleaseWorld::hear(const core::EventView& event)
{
    if (event.unit.empty()) return;
    say(fmt::format("{:7} {}: {}", event.kind, event.subject, event.text));
    if (event.kind == "keeld") violated("keel made a mistake: " + event.text);
    if (event.kind != "state" || event.unit != "app") return;
    constexpr std::string_view arrow = " -> ";
    const std::string_view text = event.text;
    const auto at = text.find(arrow);
    const auto open = text.find(" (");
    if (text.starts_with("still ") || at == text.npos || open < at) return;
    Slot slot = 1;
    if (const auto dot = event.subject.find('.'); dot != std::string::npos)
        (void)std::from_chars(event.subject.data() + dot + 1,
                              event.subject.data() + event.subject.size(), slot);
    const auto to = text.substr(at + arrow.size(), open - at - arrow.size());
    check_move(slot, to, text.substr(open + 2));
    seen_[slot] = to;
}

/// For a release, what serves is stopped only while all others serve; but for what goes back when
/// the time for that is over.
void ReleaseWorld::check_move(Slot slot, std::string_view to, std::string_view reason)
{
    const bool is_for_release = reason.starts_with("onto ") || reason.starts_with("back onto ") ||
                                reason.starts_with("away from ");
    if (to != "stopping" || !is_for_release || !serves(seen_[slot])) return;
    for (Slot other = 1; other <= spec().instances; ++other)
        if (other != slot && !serves(seen_[other]))
            violated(
                fmt::format("app.{} is stopped in good health ({}) while app.{} does not serve",
                            slot, reason, other));
}

void ReleaseWorld::turn_over()
{
    for (Slot slot = 1; slot <= unit().instances.size(); ++slot)
        seen_[slot] = core::state_name(unit().instances[slot - 1U].state);
    note_readiness();
    check_deployments();
    if (core::find_denied(releases(), releases().current) != nullptr)
        violated(releases().current + " is denied and current");
}

/// Which releases have kept the unit ready for good_after, by a stopwatch.
void ReleaseWorld::note_readiness()
{
    const std::string& current = releases().current;
    const auto ready = std::ranges::count_if(seen_, [](const auto& s) { return serves(s.second); });
    const bool is_ready = ready >= spec().min_ready && !current.empty();
    if (!is_ready || ready_on_ != current) ready_since_.reset();
    ready_on_ = current;
    if (!is_ready) return;
    if (!ready_since_) ready_since_ = now();
    if (now() >= *ready_since_ + spec().deploy.good_after) proved_.insert(current);
    if (core::is_current_good(releases()) && !proved_.contains(current))
        violated(
            fmt::format("{} is called good after {}", current, to_text(now() - *ready_since_)));
}

// ---- deployments --------------------------------------------------------------------------------

void ReleaseWorld::check_deployments()
{
    for (; judged_ < ledger_.deployments.size(); ++judged_)
        check_deployment(ledger_.deployments[judged_]);
}

void ReleaseWorld::check_deployment(const core::DeploymentRecord& record)
{
    say(fmt::format("ended   {} {} from {} by {}: {} {}", keel::name(record.kind), record.release,
                    record.from, record.by, keel::name(record.outcome), record.failure));
    // It is enabled, and what persons want is told by name.
    if (record.failure.find("not wanted up") != std::string::npos)
        violated(record.release + " is undone because the unit is not wanted up");
    const bool by_ladder = record.asker == Asker::ladder;
    if (by_ladder && !proved_.contains(record.release))
        violated(fmt::format("the ladder takes {}, which has not proved itself", record.release));
    if (record.kind == Kind::redeploy && record.release != record.from)
        violated("a redeployment changes the release");
    // With the host the ladder begins anew, and goes on with what it had begun.
    const bool is_last = unit().rung + 1U == spec().escalation.ladder.size();
    if (by_ladder && record.since > booted_ && !is_last && record.outcome != Outcome::committed &&
        core::is_wanted_up(unit()) &&
        units::to_text(core::rung_of(spec(), unit())) == keel::name(record.kind))
        violated("a rung that has failed is not left");
    if (record.kind == Kind::redeploy && record.outcome == Outcome::committed)
        unpacked_in_vain_.erase(record.release);
    else if (record.kind == Kind::redeploy)
        unpacked_in_vain_.insert(record.release);
    if (record.kind == Kind::deploy) check_steps(record.release, record.outcome);
    if (record.outcome != Outcome::committed) return;
    were_in_force_.insert(record.release);
    if (!disk_.is_whole(record.release)) violated(record.release + " is in force and not whole");
    // Told, and then found on record by the next engine as it was before.
    if (unit().deployment) return;
    const bool is_rollback = record.kind == Kind::rollback && !record.from.empty();
    if (is_rollback && core::find_denied(releases(), record.from) == nullptr)
        violated(record.from + " was rolled back from and is not denied");
}

/// All of a unit's steps are done with a release that is in force, and undone with one that failed
/// before it ever was.
void ReleaseWorld::check_steps(const std::string& release, Outcome outcome)
{
    if (outcome == Outcome::stuck || stuck_.contains(release)) return;
    if (outcome == Outcome::undone && were_in_force_.contains(release)) return;
    for (const units::DeployStepSpec& step : spec().deploy.steps)
        if (disk_.is_applied(release, step.name) != (outcome == Outcome::committed))
            violated(fmt::format("{} of {}, which is {}, is {}", step.name, release,
                                 outcome == Outcome::committed ? "in force" : "undone",
                                 outcome == Outcome::committed ? "not done" : "done still"));
}

void ReleaseWorld::check_unused(const std::string& release)
{
    for (const SpawnId spawn : kernel_.living_mains())
        if (ReleaseDisk::release_in(kernel_.command_of(spawn)) == release)
            violated(release + " is removed while something runs from it");
}

/// What is left of a release since it was unpacked afresh.
void ReleaseWorld::check_formers_unused(const std::string& release)
{
    for (Slot slot = 1; slot <= spec().instances; ++slot) {
        const auto spawn = kernel_.living({app_, slot});
        const bool runs = spawn && ReleaseDisk::release_in(kernel_.command_of(*spawn)) == release;
        if (runs && runs_making_[slot] != disk_.makings[release])
            violated(fmt::format("app.{} loses the files from which it runs", slot));
    }
}

// ---- in a calm ----------------------------------------------------------------------------------

void ReleaseWorld::check_calm()
{
    if (unit().deployment || unit().deploy_effect || !unit().surplus.empty())
        violated("a deployment, or what is at work for one, does not come to an end");
    if (unit().operation) violated("an operation does not come to an end");
    if (!asked_.empty()) violated("somebody is never answered");
    check_disk();
    check_serves();
}

void ReleaseWorld::check_disk()
{
    if (disk_.current != releases().current)
        violated(fmt::format("the link names `{}`, and `{}` is current", disk_.current,
                             releases().current));
    for (const core::Release& each : releases().known)
        if (!disk_.is_whole(each.id)) violated(each.id + " is known and not whole");
    for (const auto& [id, tree] : disk_.trees)
        if (core::find_release(releases(), id) == nullptr && !left_over_.contains(id))
            violated(id + " is left on the disk and nobody knows of it");
    for (const std::string& id : disk_.with_formers)
        if (!unpacked_in_vain_.contains(id) && can_serve(releases().current))
            violated(id + " was unpacked afresh, and its former tree stays");
    // The current one, what can be rolled back to, and the latest ones.
    if (releases().known.size() > spec().deploy.keep + 2 + left_over_.size())
        violated(fmt::format("{} releases are kept", releases().known.size()));
}

bool ReleaseWorld::can_serve(const std::string& release)
{
    return temper_of(release) == Temper::sound && !damaged_.contains(release);
}

void ReleaseWorld::check_serves()
{
    const std::string& current = releases().current;
    if (current.empty()) return;
    const auto status = core::status_of(spec(), unit());
    const bool is_up = status == core::UnitStatus::up;
    if (can_serve(current)) {
        if (!is_up) violated(fmt::format("{} is sound and app is {}", current, keel::name(status)));
        if (!core::is_current_good(releases())) violated(current + " is never called good");
        if (core::has_other_release(spec(), unit()) && !unpacked_in_vain_.contains(current))
            violated("something is made from another release, or unpacking");
        for (Slot slot = 1; slot <= spec().instances; ++slot) {
            const auto spawn = kernel_.living({app_, slot});
            if (spawn && ReleaseDisk::release_in(kernel_.command_of(*spawn)) != current)
                violated(fmt::format("app.{} runs from another release", slot));
        }
        return;
    }
    const auto& ladder = spec().escalation.ladder;
    const auto rollback = std::ranges::find(ladder, units::Rung(units::Rung::rollback));
    const auto rung = static_cast<std::ptrdiff_t>(unit().rung);
    const bool is_owed = rollback != ladder.end() && rung < rollback - ladder.begin();
    const bool is_down = core::ready_count(unit()) < spec().min_ready;
    if (is_down && is_owed && core::last_good(releases()))
        violated(fmt::format("{} does not serve, and nothing rolls it back", current));
}

} // namespace keel::sim
