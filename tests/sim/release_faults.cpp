// What goes wrong in a world of releases, and who asks for what.
#include "tests/sim/release_world.hpp"

#include <csignal>
#include <fmt/format.h>

namespace keel::sim {

using namespace std::chrono_literals;
using core::DeployFault;
using core::ExitStatus;
using core::Verb;

void ReleaseWorld::plan()
{
    repeat(weights_.asked_every, [this] { somebody_asks(); });
    repeat(weights_.ends_every, [this] { keel_ends(); });
    repeat(weights_.crash_every, [this] { something_crashes(); });
    repeat(weights_.damage_every, [this] { a_file_is_damaged(); });
}

/// Again and again, `every` apart on average, but not in a calm.
void ReleaseWorld::repeat(Duration every, const std::function<void()>& fault)
{
    if (every == Duration{0}) return;
    loop_.in(rng_.upto(2 * every), [this, every, fault] {
        repeat(every, fault);
        if (!calm_ && engine_) fault();
    });
}

// ---- people -------------------------------------------------------------------------------------

void ReleaseWorld::somebody_asks()
{
    core::DeployTerms terms;
    if (specs_.size() > 1 && rng_.chance(0.1)) return somebody_asks_of_db();
    if (!core::is_wanted_up(unit()) && rng_.chance(0.7)) return ask(Verb::start);
    if (unit().deployment && unit().operation && rng_.chance(0.3)) return somebody_cancels();
    if (rng_.chance(0.2))
        return ask(rng_.one_of({Verb::stop, Verb::hold, Verb::restart, Verb::rollback}));
    if (rng_.chance(0.1)) return ask(Verb::undeny);
    const auto& known = releases().known;
    terms.release =
        known.empty() || rng_.chance(0.7) ? fmt::format("r{}", ++latest_) : rng_.one_of(known).id;
    ask(Verb::deploy, terms);
}

void ReleaseWorld::somebody_asks_of_db()
{
    const bool is_held = !core::is_wanted_up(engine_->host().unit(UnitId{1}));
    ask(is_held ? Verb::start : Verb::hold, {}, "db");
}

/// Refused or not: what came of it is told.
void ReleaseWorld::ask(Verb verb, core::DeployTerms terms, const std::string& unit)
{
    say(fmt::format("person  {} {} {}", keel::name(verb), unit, terms.release));
    ports::RequestSpec what{unit, verb, {}, "ann", "testing"};
    what.deploy = std::move(terms);
    if (verb == Verb::hold && rng_.chance(0.5))
        what.hold.process = core::Held::Process::left_running;
    std::optional<OperationId> answered;
    const auto taken =
        engine_->request(what, [this, &answered](const core::OperationResult& result) {
            say(fmt::format("answer  {}: {}", number(result.id), result.text));
            if (asked_.erase(result.id) == 0) answered = result.id;
        });
    const auto* id = std::get_if<OperationId>(&taken);
    if (id != nullptr && answered != *id) asked_.insert(*id);
}

void ReleaseWorld::somebody_cancels()
{
    say("person  cancels it");
    (void)engine_->cancel(unit().operation->id, "bob");
}

// ---- mischance ----------------------------------------------------------------------------------

void ReleaseWorld::something_crashes()
{
    const auto alive = kernel_.living_mains();
    if (!alive.empty()) kernel_.end(rng_.one_of(alive), {ExitStatus::Kind::code, 1, false});
}

/// All that starts from it crashes, until it is unpacked afresh.
void ReleaseWorld::a_file_is_damaged()
{
    if (releases().current.empty()) return;
    damaged_.insert(releases().current);
    say("world   a file of " + releases().current + " is damaged");
    something_crashes();
}

void ReleaseWorld::keel_ends()
{
    if (rng_.chance(0.2)) return end_in_order();
    if (rng_.chance(0.5)) return fuse_.light(1 + static_cast<unsigned>(rng_.below(40)));
    loop_.in(0ms, [this] {
        if (engine_ && !calm_) die(/*midway=*/false);
    });
}

// ---- what runs ----------------------------------------------------------------------------------

ReleaseWorld::Temper ReleaseWorld::temper_of(const std::string& release)
{
    const auto [found, is_new] = tempers_.try_emplace(release, Temper::sound);
    if (!is_new || !rng_.chance(weights_.bad_releases)) return found->second;
    using enum Temper;
    found->second = rng_.one_of({crashes_at_once, crashes_on_trial, crashes_later, never_ready});
    if (spec().probes.empty() && found->second == never_ready) found->second = crashes_at_once;
    return found->second;
}

std::optional<Fate> ReleaseWorld::draw_fate(const ports::SpawnPlan& plan)
{
    if (plan.slot == whole_unit) return draw_work(plan.argv);
    if (plan.unit == "db" || plan.unit == "net") return draw_process("");
    const std::string release = ReleaseDisk::release_of(plan.argv);
    if (!disk_.is_whole(release))
        violated(fmt::format("{}.{} is started from `{}`, which is not whole", plan.unit, plan.slot,
                             release));
    if (plan.environment.contains("KEEL_HOOK"))
        prepared_[plan.slot] = release;
    else if (!spec().start.pre.empty() && prepared_[plan.slot] != release)
        violated(fmt::format("app.{} runs {}, and was prepared for {}", plan.slot, release,
                             prepared_[plan.slot]));
    if (plan.environment.contains("KEEL_HOOK")) return draw_hook();
    runs_making_[plan.slot] = disk_.makings[release];
    return draw_process(release);
}

Fate ReleaseWorld::draw_process(const std::string& release)
{
    Fate fate;
    fate.ends = Fate::Ends::as_it_should;
    fate.status = {ExitStatus::Kind::code, 3, false};
    fate.term_takes = rng_.upto(500ms);
    fate.kill_takes = rng_.upto(20ms);
    fate.ready_after = rng_.upto(2s);
    if (!calm_ && rng_.chance(0.1)) fate.term = Fate::Term::ignores;
    if (!calm_ && rng_.chance(0.1)) fate.children = 1;
    if (release.empty()) return fate;
    if (damaged_.contains(release)) fate.ends_after = rng_.upto(1s);
    const Duration trial = spec().deploy.verify_for;
    using enum Temper;
    switch (temper_of(release)) {
    case sound: break;
    case crashes_at_once: fate.ends_after = rng_.upto(1s); break;
    case crashes_on_trial: fate.ends_after = rng_.upto(trial); break;
    case crashes_later: fate.ends_after = trial * spec().instances + 20s + rng_.upto(20s); break;
    case never_ready: fate.hangs = Fate::Hangs::yes; break;
    }
    return fate;
}

Fate ReleaseWorld::draw_hook()
{
    Fate fate;
    fate.ends = Fate::Ends::as_it_should;
    fate.ends_after = rng_.upto(rng_.one_of<Duration>({20ms, 1s, 5s}));
    fate.kill_takes = rng_.upto(20ms);
    if (!calm_ && rng_.chance(0.05)) fate.status = {ExitStatus::Kind::code, 1, false};
    return fate;
}

/// A helper, or a step of the unit's.
Fate ReleaseWorld::draw_work(const std::vector<std::string>& argv)
{
    Fate fate;
    fate.ends = Fate::Ends::as_it_should;
    fate.ends_after = rng_.upto(rng_.one_of<Duration>({20ms, 1s, 20s}));
    fate.term_status = {ExitStatus::Kind::signal, SIGTERM, false};
    fate.term_takes = rng_.upto(500ms);
    fate.kill_takes = rng_.upto(20ms);
    const std::string verb = ReleaseDisk::verb_of(argv);
    at_work_ = argv;
    if (!calm_) fail_work(fate, verb);
    return fate;
}

void ReleaseWorld::fail_work(Fate& fate, const std::string& verb)
{
    if (rng_.chance(weights_.work_hangs)) fate.ends_after.reset();
    if (rng_.chance(0.1)) fate.term = Fate::Term::ignores;
    if (rng_.chance(0.05)) {
        fate.failure = ports::SpawnFailure{core::SetupStage::processes, EAGAIN, {}};
        at_work_.clear();
        return;
    }
    DeployFault fault = DeployFault::none;
    if (verb == "fetch" && rng_.chance(weights_.unreachable))
        fault = DeployFault::source;
    else if (rng_.chance(verb == "point" ? weights_.link_fails : weights_.work_fails))
        fault = rng_.one_of({DeployFault::host, DeployFault::release});
    if (fault == DeployFault::none) return;
    fate.status = {ExitStatus::Kind::code, 1, false};
    if (verb == "up" || verb == "down") return;
    store_.progress.emplace();
    store_.progress->fault = fault;
    store_.progress->what = "as the world wants it";
}

void ReleaseWorld::work_ended(const std::vector<std::string>& argv, ExitStatus status)
{
    using enum ReleaseDisk::Extent;
    at_work_.clear();
    const std::string verb = ReleaseDisk::verb_of(argv);
    const std::string release = ReleaseDisk::release_of(argv);
    const bool ended = status.kind == ExitStatus::Kind::code;
    const bool is_well = ended && status.number == 0;
    const auto extent = is_well ? whole : ended ? none : rng_.one_of({none, half, whole});
    const bool is_of_formers = ReleaseDisk::has(argv, "--formers");
    const bool replaces = verb == "unpack" && !ReleaseDisk::has(argv, "--keep-replaced");
    if (extent == whole && replaces) check_unused(release);
    if (extent != none && is_of_formers) check_formers_unused(release);
    if (extent != none && verb == "remove" && !is_of_formers) check_unused(release);
    disk_.take_effect(argv, extent);
    if (verb == "unpack" && extent == whole) damaged_.erase(release);
    if (is_of_formers) { // What could not be removed is told of, and not tried again.
        if (ended) disk_.with_formers.erase(release);
        return say("disk    what was left of " + release + " is seen to");
    }
    if (verb == "remove" && !is_well) left_over_.insert(release);
    if (verb == "unpack" || verb == "fetch" || (verb == "remove" && is_well))
        left_over_.erase(release);
    if (verb == "down" && !is_well) stuck_.insert(release);
    say(fmt::format("disk    {} {}: {}", verb, release,
                    extent == whole  ? "done"
                    : extent == half ? "half done"
                                     : "nothing done"));
}

} // namespace keel::sim
