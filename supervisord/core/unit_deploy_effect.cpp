// The process that is at work for a deployment: a step's own command, or Keel's helper; and the one
// that removes a release which nobody needs. As a ladder's hook it is a spawn of the unit's own,
// and over once nothing of it lives. How long it may take is the deployment's business.
#include "base/ensure.hpp"
#include "base/result.hpp"
#include "core/unit_moves.hpp"

#include <csignal>
#include <fmt/format.h>
#include <utility>

namespace keel::core {
namespace {

using About = DeployEffect::About;
using Stage = DeployEffect::Stage;
using Way = DeployWorked::Way;

/// How long after keeld had nothing left for it it is tried again.
constexpr Duration put_off_for = std::chrono::seconds(1);
/// What a removal, or setting a link, may take: the next deployment waits for it.
constexpr Duration side_work_limit = std::chrono::minutes(10);

/// How long a link that could not be set is left behind before it is tried again.
constexpr Duration link_delay = std::chrono::minutes(1);

bool is_of_step(const DeployEffect& effect) { return effect.about == About::step; }

void spawn_effect(UnitMaking& m, DeployEffect effect)
{
    effect.spawn = SpawnId{number(m.inputs.next_spawn) + m.out.spawns};
    ++m.out.spawns;
    effect.stage = Stage::runs;
    if (!is_of_step(effect)) effect.due = m.now() + side_work_limit;
    using enum RemoveRelease::Extent;
    if (effect.about == About::removal) {
        m.out.actions.push_back({whole_unit, RemoveRelease{effect.spawn, effect.release, whole}});
    } else if (effect.about == About::formers) {
        m.out.actions.push_back({whole_unit, RemoveRelease{effect.spawn, effect.release, formers}});
    } else if (effect.about == About::link) {
        m.out.actions.push_back({whole_unit, LinkRelease{effect.spawn, effect.release}});
    } else {
        using Ordered = RunDeployStep::Way;
        const auto way = effect.way == Way::doing ? Ordered::doing : Ordered::undoing;
        m.out.actions.push_back({whole_unit, RunDeployStep{effect.spawn, effect.step, way}});
    }
    m.unit().deploy_effect = std::move(effect);
}

void kill_effect(UnitMaking& m)
{
    DeployEffect& effect = *m.unit().deploy_effect;
    if (effect.stage != Stage::left) effect.stage = Stage::ending;
    effect.due = m.now() + kill_patience;
    m.out.actions.push_back({whole_unit, KillTree{effect.spawn}});
}

void note_link(UnitMaking& m, const DeployEffect& over)
{
    using Link = Releases::Link;
    m.unit().releases.link = over.fault == DeployFault::none ? Link::right : Link::behind;
    m.unit().link_due = m.now() + link_delay;
}

/// Nothing of it lives.
void finish_effect(UnitMaking& m)
{
    const DeployEffect over = *std::exchange(m.unit().deploy_effect, std::nullopt);
    if (over.stage == Stage::left) return; // What it was about is done again, if it is still due.
    const bool is_well = over.fault == DeployFault::none;
    if (over.about == About::formers) {
        // Unpacked afresh once more meanwhile, it has others.
        const auto& next = m.unit().deployment;
        const bool again = next && next->kind == UnitDeployment::Kind::redeploy;
        if (!again) std::erase(m.unit().releases.formers, over.release);
        const std::string what = "what was left of " + over.release;
        if (!is_well) m.out.notes.emplace_back(ReleaseRemoved{what, over.what});
        return;
    }
    if (over.about == About::removal) {
        m.out.notes.emplace_back(ReleaseRemoved{over.release, is_well ? "" : over.what});
        return;
    }
    if (over.about == About::link) {
        if (is_well) m.out.notes.emplace_back(DeploymentMoved{"current names " + over.release});
        return note_link(m, over);
    }
    const auto& deployment = m.unit().deployment;
    if (!deployment) return;
    if (deployment->course.steps[over.step].kind == DeployStepKind::commit) note_link(m, over);
    feed_deployment(m, DeployWorked{over.step, over.way, over.fault, over.what});
}

bool is_own_command(const UnitMaking& m, const DeployEffect& effect)
{
    return is_of_step(effect) && m.unit().deployment &&
           m.unit().deployment->course.steps[effect.step].kind == DeployStepKind::run;
}

/// What its end says, unless it has said so itself.
void take_result(UnitMaking& m, const ExitStatus& status)
{
    DeployEffect& effect = *m.unit().deploy_effect;
    const bool well = status.kind == ExitStatus::Kind::code && status.number == 0;
    if (well) {
        effect.fault = DeployFault::none;
    } else if (effect.reported == DeployEffect::Reported::no || effect.fault == DeployFault::none) {
        effect.fault = is_own_command(m, effect) ? DeployFault::release : DeployFault::host;
        effect.what = to_text(status);
    }
}

void heed(UnitMaking& m, const SpawnFailed& e)
{
    DeployEffect& effect = *m.unit().deploy_effect;
    if (effect.stage == Stage::left) return finish_effect(m);
    const bool for_want = e.stage == SetupStage::descriptors || e.stage == SetupStage::processes;
    if (effect.stage == Stage::runs && e.stage == SetupStage::lost) return spawn_effect(m, effect);
    if (effect.stage == Stage::runs && for_want) {
        effect.stage = Stage::put_off;
        effect.due = m.now() + put_off_for;
        return;
    }
    const Error error{fmt::format("{}{}{}", name(e.stage), e.what.empty() ? "" : ": ", e.what),
                      {},
                      e.errno_value};
    effect.fault = is_own_command(m, effect) ? DeployFault::release : DeployFault::host;
    effect.what = error.text();
    finish_effect(m);
}

void heed(UnitMaking& m, const ProcessExited& e)
{
    m.out.actions.push_back({whole_unit, Acknowledge{e.spawn}});
    DeployEffect& effect = *m.unit().deploy_effect;
    if (effect.stage == Stage::runs || effect.stage == Stage::asked) {
        const bool is_unseen = e.status.kind == ExitStatus::Kind::unknown;
        take_result(m, e.status);
        if (is_unseen && m.unit().deployment) { // Nobody knows what it did: once more.
            effect.stage = Stage::left;
            m.unit().deployment->course.stage = DeployWriting{};
        }
    }
    if (e.tree == TreeState::empty) return finish_effect(m);
    kill_effect(m);
}

void heed(UnitMaking& m, const TreeEmptied&)
{
    const Stage stage = m.unit().deploy_effect->stage;
    if (stage == Stage::ending || stage == Stage::left) finish_effect(m);
}

/// By a new engine, which does the step again: two of them at a time would be one too many.
void heed(UnitMaking& m, const Adopted&) { kill_effect(m); }

} // namespace

bool is_timed(const DeployEffect& effect)
{
    if (effect.stage == Stage::recorded) return false;
    return effect.stage != Stage::runs || !is_of_step(effect);
}

void begin_deploy_effect(UnitMaking& m, std::size_t step, Way way)
{
    ENSURE(!m.unit().deploy_effect, "one process at a time is at work for a deployment");
    DeployEffect effect;
    effect.step = step;
    effect.way = way;
    spawn_effect(m, std::move(effect));
}

void begin_removal(UnitMaking& m, const std::string& release)
{
    ENSURE(!m.unit().deploy_effect, "one process at a time is at work for a deployment");
    // Whatever comes of it, it is not to be counted on any more.
    forget_release(m.unit().releases, release);
    std::erase(m.unit().releases.formers, release);
    DeployEffect effect;
    effect.about = About::removal;
    effect.release = release;
    effect.stage = Stage::recorded;
    m.unit().deploy_effect = std::move(effect);
    m.out.actions.push_back({whole_unit, KeepDeployment{}});
}

void go_on_with_removal(UnitMaking& m)
{
    const auto& effect = m.unit().deploy_effect;
    if (effect && effect->stage == Stage::recorded) spawn_effect(m, *effect);
}

void begin_removal_of_formers(UnitMaking& m, const std::string& release)
{
    ENSURE(!m.unit().deploy_effect, "one process at a time is at work for a deployment");
    DeployEffect effect;
    effect.about = About::formers;
    effect.release = release;
    spawn_effect(m, std::move(effect));
}

void begin_link(UnitMaking& m)
{
    ENSURE(!m.unit().deploy_effect, "one process at a time is at work for a deployment");
    DeployEffect effect;
    effect.about = About::link;
    effect.release = m.unit().releases.current;
    spawn_effect(m, std::move(effect));
}

std::optional<MonoTime> link_due(const Unit& unit)
{
    const bool is_behind = unit.releases.link == Releases::Link::behind;
    if (!is_behind || unit.deployment || unit.deploy_effect) return std::nullopt;
    return unit.link_due;
}

void end_deploy_effect(UnitMaking& m)
{
    auto& effect = m.unit().deploy_effect;
    if (!effect || !is_of_step(*effect)) return; // Nothing of the step has begun.
    if (effect->stage == Stage::put_off) {
        effect->fault = DeployFault::host;
        effect->what = "nothing was left to run it with";
        return finish_effect(m);
    }
    if (effect->stage != Stage::runs) return;
    m.out.actions.push_back({whole_unit, Signal{effect->spawn, SIGTERM}});
    effect->stage = Stage::asked;
    effect->due = m.now() + m.spec.stop.timeout;
}

void leave_deploy_effect(UnitMaking& m)
{
    Unit& unit = m.unit();
    if (unit.deployment) unit.deployment->course.stage = DeployWriting{};
    auto& effect = unit.deploy_effect;
    if (!effect || effect->stage == Stage::left) return;
    if (effect->stage == Stage::put_off || effect->stage == Stage::recorded) {
        if (effect->about == About::removal) unit.surplus.push_back(effect->release);
        return effect.reset();
    }
    m.out.actions.push_back({whole_unit, Signal{effect->spawn, SIGTERM}});
    effect->stage = Stage::left;
    effect->due = m.now() + m.spec.stop.timeout;
}

void end_overdue_deploy_effect(UnitMaking& m)
{
    auto& effect = m.unit().deploy_effect;
    if (!effect || !is_timed(*effect) || m.now() < effect->due) return;
    if (effect->stage == Stage::runs) {
        effect->fault = DeployFault::host;
        effect->what = "not over in time";
    }
    if (effect->stage == Stage::put_off) return spawn_effect(m, *effect);
    if (effect->stage == Stage::asked) {
        effect->fault = DeployFault::host;
        effect->what = "asked to end and did not";
    }
    kill_effect(m);
}

bool heed_deploy_effect(UnitMaking& m, const InstanceEvent& event)
{
    const auto concerns = [&](SpawnId spawn) {
        const auto& effect = m.unit().deploy_effect;
        return effect && effect->spawn == spawn && effect->stage != Stage::put_off &&
               effect->stage != Stage::recorded;
    };
    const auto take = [&](const auto* about) {
        if (about == nullptr || !concerns(about->spawn)) return false;
        heed(m, *about);
        return true;
    };
    return take(std::get_if<SpawnFailed>(&event)) || take(std::get_if<ProcessExited>(&event)) ||
           take(std::get_if<TreeEmptied>(&event)) || take(std::get_if<Adopted>(&event));
}

void on(UnitMaking& m, const DeployReported& e)
{
    auto& effect = m.unit().deploy_effect;
    if (!effect || effect->spawn != e.spawn) return;
    effect->reported = DeployEffect::Reported::yes;
    effect->fault = e.fault;
    effect->what = e.what;
    if (m.unit().deployment && e.bytes > 0) m.unit().deployment->bytes = e.bytes;
}

void heed_whole_unit(UnitMaking& m, const InstanceEvent& event)
{
    if (!heed_deploy_effect(m, event)) heed_rung_hook(m, event);
}

} // namespace keel::core
