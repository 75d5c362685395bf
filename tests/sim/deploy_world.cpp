#include "tests/sim/deploy_world.hpp"

#include "tests/sim/violation.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace keel::sim {
namespace {

using namespace std::chrono_literals;
using core::DeployFault;
using core::DeployStep;
using core::DeployStepKind;
using Outcome = core::CloseDeployment::Outcome;
using Status = DeployStep::Status;
using Undo = DeployStep::Undo;
using Way = core::DeployWorked::Way;

/// Within so long after the last fault every deployment has ended.
constexpr Duration bound = 30min;
constexpr unsigned turns_max = 100'000;

std::string text_of(const core::Deployment& d)
{
    std::string text = d.course == core::Deployment::Course::forward ? "forward" : "back";
    for (const DeployStep& step : d.steps)
        text += fmt::format(" {}:{}", step.name, name(step.status));
    return text;
}

} // namespace

DeployWorld::DeployWorld(std::uint64_t seed, Trace trace) : rng_(seed), trace_(std::move(trace)) {}

void DeployWorld::say(const std::string& what) const
{
    if (trace_) trace_(fmt::format("{:12.6f}  {}", seconds(now_.time_since_epoch()), what));
}

Duration DeployWorld::run(unsigned deployments)
{
    const MonoTime began = now_;
    for (unsigned i = 1; i <= deployments; ++i) {
        release_ = fmt::format("r{}", i);
        deploy();
    }
    return now_ - began;
}

// ---- one deployment -----------------------------------------------------------------------------

void DeployWorld::plan()
{
    using enum DeployStepKind;
    planned_.clear();
    const auto add = [&](DeployStepKind kind, std::string name, Undo undo, Duration limit) {
        planned_.push_back({kind, std::move(name), undo, limit, Status::todo});
    };
    add(fetch, "fetch", Undo::needed, rng_.chance(0.5) ? 0s : 10min);
    add(unpack, "unpack", Undo::needed, 5min);
    for (auto i = rng_.below(4); i > 0; --i)
        add(run, fmt::format("command-{}", i), rng_.chance(0.7) ? Undo::needed : Undo::needless,
            1min);
    add(roll, "roll", Undo::needed, 2min);
    add(commit, "commit", Undo::needless, 10s);
}

void DeployWorld::deploy()
{
    plan();
    former_ = current_;
    outcome_.reset();
    record_.reset();
    begun_.clear();
    undos_failed_.clear();
    commands_.clear();
    aborted_ = Word::no;
    worst_ = DeployFault::none;
    peace_at_ = now_ + rng_.upto(20min);
    machine_ = core::Deployment{};
    machine_.steps = planned_;
    say(fmt::format("deploys {}: {}", release_, text_of(machine_)));
    feed(core::DeployBegun{});
    for (unsigned turns = 0; !outcome_; ++turns) {
        if (turns > turns_max) violated("a deployment goes on and on");
        turn();
        if (now_ > peace_at_ + bound) violated("a deployment does not end although nothing fails");
    }
    judge(*outcome_);
}

MonoTime DeployWorld::next_at() const
{
    MonoTime next = MonoTime::max();
    if (write_) next = std::min(next, write_->ends_at);
    if (effect_ && effect_->hangs == Effect::Hangs::no) next = std::min(next, effect_->ends_at);
    if (const auto due = core::deadline_of(machine_)) next = std::min(next, *due);
    return next;
}

void DeployWorld::turn()
{
    const bool is_calm = now_ >= peace_at_;
    if (!is_calm && rng_.chance(0.02)) return die();
    if (!is_calm && rng_.chance(0.02)) {
        const bool in_time = core::can_be_undone(machine_);
        say("a person wants otherwise");
        feed(core::DeployAborted{"stop asked for by ann"});
        if (in_time) aborted_ = Word::yes;
        return;
    }
    if (rng_.chance(0.1)) return feed(core::DeployTick{}); // early, or once more
    if (rng_.chance(0.05)) return feed(core::DeployWritten{rng_.below(20) + 1000}); // of nothing
    if (rng_.chance(0.05)) return feed(core::DeployGotOn{});
    const MonoTime next = next_at();
    if (next == MonoTime::max()) violated("nothing will ever happen again: " + text_of(machine_));
    now_ = std::max(now_, next);
    if (write_ && write_->ends_at <= now_) return finish_write();
    if (effect_ && effect_->hangs == Effect::Hangs::no && effect_->ends_at <= now_)
        return finish_effect();
    feed(core::DeployTick{});
}

void DeployWorld::feed(const core::DeployEvent& event)
{
    core::DeploymentStep made = core::step(std::move(machine_), event, now_);
    machine_ = std::move(made.next);
    if (!made.reason.empty()) say(fmt::format("{} [{}]", made.reason, text_of(machine_)));
    if (!made.actions.empty() && made.reason.empty() &&
        !std::holds_alternative<core::WriteDeployment>(made.actions.front()))
        violated("something is done and nobody says why");
    for (const core::DeployAction& action : made.actions)
        act(action);
}

void DeployWorld::act(const core::DeployAction& action)
{
    if (const auto* write = std::get_if<core::WriteDeployment>(&action))
        write_ = Write{write->record,
                       {machine_.steps, machine_.course, machine_.failure, machine_.fault},
                       now_ + rng_.upto(100ms)};
    if (const auto* doing = std::get_if<core::DoDeployStep>(&action))
        begin_effect(doing->step, Way::doing);
    if (const auto* undoing = std::get_if<core::UndoDeployStep>(&action))
        begin_effect(undoing->step, Way::undoing);
    if (const auto* ending = std::get_if<core::EndDeployStep>(&action)) {
        if (!effect_ || effect_->step != ending->step) violated("what does not run is ended");
        effect_->hangs = Effect::Hangs::no;
        effect_->ends_at = std::min(effect_->ends_at, now_ + rng_.upto(1s));
        if (rng_.chance(0.9)) effect_->fault = DeployFault::release; // else it was just done
    }
    if (const auto* close = std::get_if<core::CloseDeployment>(&action)) outcome_ = close->outcome;
}

// ---- effects ------------------------------------------------------------------------------------

void DeployWorld::check_order(std::size_t step, Way way) const
{
    if (effect_) violated("two effects at a time");
    const bool doing = way == Way::doing;
    const Status promised = doing ? Status::doing : Status::undoing;
    if (!record_ || record_->steps[step].status != promised)
        violated(fmt::format("{} {} and the disk does not know of it", planned_[step].name,
                             doing ? "is done" : "is undone"));
    for (std::size_t other = 0; other < planned_.size(); ++other) {
        const Status status = machine_.steps[other].status;
        if (doing && other < step && status != Status::done)
            violated(planned_[step].name + " is done before what comes before it");
        const bool is_over =
            status == Status::undone || status == Status::stuck || status == Status::todo;
        if (!doing && other > step && !is_over)
            violated(planned_[step].name + " is undone before what came after it");
    }
    if (doing && planned_[step].kind == DeployStepKind::roll &&
        releases_.at(release_) != Extent::whole)
        violated("instances run on a release that is not complete");
}

void DeployWorld::begin_effect(std::size_t step, Way way)
{
    const bool replaces = effect_ && effect_->step == step && way == Way::undoing &&
                          planned_[step].kind == DeployStepKind::roll;
    if (replaces) {
        effect_.reset();
        feed(core::DeployWorked{step, Way::doing, DeployFault::none, {}}); // too late
    }
    check_order(step, way);
    if (way == Way::doing) begun_.insert(step);
    const bool is_calm = now_ >= peace_at_;
    Effect effect{step, way, now_ + rng_.upto(30s), DeployFault::none, Effect::Hangs::no};
    if (!is_calm && rng_.chance(0.25)) {
        const bool fetches = planned_[step].kind == DeployStepKind::fetch;
        effect.fault = fetches && rng_.chance(0.5)
                           ? DeployFault::source
                           : rng_.one_of({DeployFault::release, DeployFault::host});
    }
    const bool has_limit = planned_[step].limit > Duration{0};
    if (!is_calm && has_limit && rng_.chance(0.05)) effect.hangs = Effect::Hangs::yes;
    take_effect(effect, Extent::part);
    effect_ = effect;
}

/// To that extent; what fails has happened in part, or has happened and says otherwise.
void DeployWorld::take_effect(const Effect& effect, Extent extent)
{
    const bool doing = effect.way == Way::doing;
    const Extent reached = doing || extent == Extent::part ? extent : Extent::none;
    switch (planned_[effect.step].kind) {
    case DeployStepKind::fetch: archives_[release_] = reached; break;
    case DeployStepKind::unpack: releases_[release_] = reached; break;
    case DeployStepKind::run: commands_[effect.step] = reached; break;
    case DeployStepKind::roll:
        // A mix, until it is over.
        runs_ = extent == Extent::part ? "both" : doing ? release_ : former_;
        break;
    case DeployStepKind::commit:
        if (extent == Extent::whole) current_ = release_;
        break;
    }
}

void DeployWorld::finish_effect()
{
    const Effect effect = *std::exchange(effect_, std::nullopt);
    const bool is_over = effect.fault == DeployFault::none || rng_.chance(0.3);
    take_effect(effect, is_over ? Extent::whole : Extent::part);
    if (effect.way == Way::undoing) {
        unsigned& failed = undos_failed_[effect.step];
        failed = effect.fault == DeployFault::none ? 0 : failed + 1;
    } else if (effect.fault != DeployFault::none) {
        worst_ = effect.fault;
    }
    feed(core::DeployWorked{effect.step, effect.way, effect.fault,
                            effect.fault == DeployFault::none ? "" : std::string("exit 1")});
}

void DeployWorld::finish_write()
{
    Write write = *std::exchange(write_, std::nullopt);
    record_ = std::move(write.what);
    feed(core::DeployWritten{write.record});
}

/// What was on its way to the disk may have come there; effects are cut short.
void DeployWorld::die()
{
    ++deaths_;
    if (write_ && rng_.chance(0.5)) record_ = std::move(write_->what);
    write_.reset();
    if (effect_ && rng_.chance(0.5)) take_effect(*effect_, Extent::whole);
    effect_.reset();
    undos_failed_.clear();
    machine_ = core::Deployment{};
    say("Keel dies");
    if (!record_) { // It never began, and whoever asked for it asks again.
        machine_.steps = planned_;
        aborted_ = Word::no;
        return feed(core::DeployBegun{});
    }
    machine_.steps = record_->steps;
    machine_.course = record_->course;
    machine_.failure = record_->failure;
    machine_.fault = record_->fault;
    feed(core::DeployResumed{});
    // A person's word stands; it is said to the new one, too.
    if (aborted_ == Word::yes && core::can_be_undone(machine_))
        feed(core::DeployAborted{"stop asked for by ann"});
}

// ---- what has come of it ------------------------------------------------------------------------

void DeployWorld::judge(Outcome outcome)
{
    if (effect_ || write_) violated("it is over and something of it goes on");
    if (aborted_ == Word::yes && outcome == Outcome::committed)
        violated("a person wanted otherwise in time, and it was committed");
    if (machine_.fault == DeployFault::release && worst_ == DeployFault::none &&
        machine_.failure.find("not over within") == std::string::npos)
        violated("the release is blamed and nothing went wrong");
    if (machine_.fault == DeployFault::source)
        violated("a source that could not be reached was held against the release");
    if (outcome == Outcome::committed)
        judge_committed();
    else
        judge_undone(outcome);
    say(fmt::format("{}: {}", name(outcome), machine_.failure));
}

void DeployWorld::judge_committed() const
{
    if (releases_.at(release_) != Extent::whole) violated("a release is committed in part");
    if (runs_ != release_) violated("a release is committed that does not run");
    for (std::size_t step = 0; step < planned_.size(); ++step)
        if (planned_[step].kind == DeployStepKind::run && commands_.at(step) != Extent::whole)
            violated(planned_[step].name + " is not done although it is committed");
    if (current_ != release_ && machine_.tries + 1 < core::undo_tries_max)
        violated("what is committed is not the current release");
}

void DeployWorld::judge_undone(Outcome outcome) const
{
    if (current_ != former_) violated("what is undone is the current release");
    const bool is_stuck =
        std::ranges::count(machine_.steps, Status::stuck, &DeployStep::status) > 0;
    for (const std::size_t step : begun_) {
        const bool stays = planned_[step].undo == Undo::needless;
        const Status status = machine_.steps[step].status;
        if (stays || status == Status::stuck) continue;
        if (status != Status::undone)
            violated(planned_[step].name + " was begun and is not undone");
        const auto kind = planned_[step].kind;
        const bool is_left =
            (kind == DeployStepKind::fetch && archives_.at(release_) != Extent::none) ||
            (kind == DeployStepKind::unpack && releases_.at(release_) != Extent::none) ||
            (kind == DeployStepKind::run && commands_.at(step) != Extent::none) ||
            (kind == DeployStepKind::roll && runs_ != former_);
        if (is_left) violated(planned_[step].name + " is called undone and is not");
    }
    if (is_stuck != (outcome == Outcome::stuck))
        violated("it is not said what could not be undone");
    for (const auto& [step, failed] : undos_failed_)
        if (machine_.steps[step].status == Status::stuck && failed < core::undo_tries_max)
            violated(planned_[step].name + " was given up too early");
    if (!former_.empty() && releases_.at(former_) != Extent::whole)
        violated("the former release is damaged");
}

} // namespace keel::sim
