#include "tests/sim/release_world.hpp"

#include "units/effective.hpp"

#include <fmt/format.h>

namespace keel::sim {

using namespace std::chrono_literals;
using units::Rung;

namespace {

units::UnitSpec make_app(Rng& rng)
{
    units::UnitSpec spec;
    spec.name = "app";
    spec.command = {"{release}/bin/app"};
    spec.instances = rng.one_of<std::uint16_t>({1, 2, 3});
    spec.min_ready = static_cast<std::uint16_t>(1 + rng.below(spec.instances));
    spec.start.timeout = 10s;
    spec.stop.timeout = rng.one_of<Duration>({1s, 10s});
    spec.unready_limit = 20s;
    if (rng.chance(0.3)) spec.start.pre = {"{release}/bin/prepare"};
    spec.restart.delay = rng.one_of<Duration>({200ms, 1s});
    spec.restart.delay_max = 10s;
    spec.escalation.failures = rng.one_of({1U, 2U, 3U});
    spec.escalation.window = rng.one_of<Duration>({10min, 20min});
    spec.escalation.retry_every = 30s;
    using Ladder = std::vector<Rung>;
    spec.escalation.ladder =
        rng.one_of<Ladder>({{Rung::restart, Rung::redeploy, Rung::rollback, Rung::retry},
                            {Rung::restart, Rung::redeploy, Rung::rollback, Rung::retry},
                            {Rung::restart, Rung::rollback, Rung::redeploy, Rung::retry},
                            {Rung::restart, Rung::rollback},
                            {Rung::restart, Rung::redeploy}});
    units::DeploySpec& deploy = spec.deploy;
    deploy.root = "/srv/app";
    deploy.source = "/archives/{release}.tar";
    deploy.keep = rng.one_of({1U, 2U, 3U});
    deploy.verify_for = rng.one_of<Duration>({0s, 2s, 10s});
    deploy.timeout = rng.one_of<Duration>({30s, 5min});
    deploy.good_after = rng.one_of<Duration>({1min, 10min});
    const auto steps = rng.below(3);
    for (std::uint64_t k = 0; k < steps; ++k) {
        const std::string name = fmt::format("step-{}", k);
        deploy.steps.push_back(
            {name, {"/bin/up", "{release}", name}, {"/bin/down", "{release}", name}, 1min});
    }
    if (rng.chance(0.5)) {
        units::ProbeSpec probe;
        probe.name = "p";
        probe.target = units::TcpTarget{"{unit}:{instance}:p", {}, {}};
        probe.interval = 5s;
        probe.timeout = 1s;
        spec.probes = {probe};
        spec.ready = units::ReadyBy::probe;
    }
    return spec;
}

units::UnitSpec make_needed(const std::string& name)
{
    units::UnitSpec spec;
    spec.name = name;
    spec.command = {"/bin/" + name};
    spec.start.timeout = 10s;
    spec.restart.delay_max = 10s;
    return spec;
}

std::vector<units::UnitSpec> make_specs(Rng& rng)
{
    std::vector<units::UnitSpec> specs{make_app(rng)};
    if (rng.chance(0.3)) {
        specs.front().requires_units = {"db", "net"};
        specs.push_back(make_needed("db"));
        specs.push_back(make_needed("net"));
    }
    return specs;
}

std::vector<engine::ConfiguredUnit> configured(const std::vector<units::UnitSpec>& specs)
{
    std::vector<engine::ConfiguredUnit> all;
    for (const units::UnitSpec& spec : specs) {
        all.push_back({spec, {}, {}});
        all.back().spec.recipe = units::recipe_of(spec);
    }
    return all;
}

} // namespace

ReleaseWorld::ReleaseWorld(std::uint64_t seed, Trace trace)
    : rng_(seed), trace_(std::move(trace)), specs_(make_specs(rng_)),
      kernel_(loop_, rng_, fuse_,
              {.fate = [this](InstanceId) { return draw_process(""); },
               .hook_fate = [this](InstanceId, units::Hook) { return draw_hook(); },
               .spec = [this](InstanceId id) -> const units::UnitSpec& {
                   return specs_[number(id.unit)];
               },
               .find = [this](const std::string& unit, Slot slot) { return find(unit, slot); },
               .born = {},
               .trace = trace_ ? [this](const std::string& line) { say(line); }
                               : std::function<void(std::string)>{},
               .fate_of = [this](const ports::SpawnPlan& plan) { return draw_fate(plan); },
               .work_ended = [this](const std::vector<std::string>& argv,
                                    core::ExitStatus status) { work_ended(argv, status); }}),
      prober_(
          loop_, fuse_,
          [this](const std::string& address, Duration) {
              const auto slot =
                  static_cast<Slot>(std::stoul(address.substr(address.find(':') + 1)));
              const bool well = kernel_.is_healthy({app_, slot});
              ProbeFate fate;
              fate.takes = rng_.upto(50ms);
              fate.answer = {well ? core::Verdict::pass : core::Verdict::fail,
                             well ? core::VerdictKind::none : core::VerdictKind::refused,
                             fate.takes, well ? "connected" : "refused"};
              return fate;
          },
          [](const std::string&, core::Verdict) {}),
      logs_(rng_, fuse_), journal_(fuse_), holds_(fuse_), totals_(fuse_), ledger_(loop_, fuse_),
      notices_(loop_, rng_, fuse_, [](SpawnId, const core::Notice&) {}), born_(loop_.now().mono)
{
    kernel_.report_latency = rng_.one_of<Duration>({0ms, 1ms, 50ms});
    const auto some = [&](double most) { return rng_.chance(0.4) ? 0.0 : most * rng_.fraction(); };
    weights_.asked_every = rng_.one_of<Duration>({1min, 3min, 10min});
    weights_.ends_every = rng_.one_of<Duration>({0s, 1min, 5min});
    weights_.crash_every = rng_.one_of<Duration>({0s, 5min});
    weights_.damage_every = rng_.one_of<Duration>({0s, 0s, 30min});
    weights_.bad_releases = some(0.8);
    weights_.work_fails = some(0.3);
    weights_.work_hangs = some(0.05);
    weights_.unreachable = some(0.5);
    weights_.link_fails = some(0.9);
    if (rng_.chance(0.7)) {
        disk_.put("r1");
        disk_.current = "r1";
    }
    tempers_["r1"] = Temper::sound;
}

InstanceId ReleaseWorld::find(const std::string& unit, Slot slot) const
{
    for (std::uint32_t i = 0; i < specs_.size(); ++i)
        if (specs_[i].name == unit) return {UnitId{i}, slot};
    violated("a spawn for a unit that does not exist: " + unit);
}

std::string ReleaseWorld::describe() const
{
    const units::DeploySpec& deploy = spec().deploy;
    std::string ladder;
    for (const Rung& rung : spec().escalation.ladder)
        ladder += " " + to_text(rung);
    return fmt::format("app: {} instances, min_ready {}, {} steps, keep {}, verify_for {}, timeout "
                       "{}, good_after {}, {} failures in {}, ladder{}, ready by {}{}{}\n",
                       spec().instances, spec().min_ready, deploy.steps.size(), deploy.keep,
                       to_text(deploy.verify_for), to_text(deploy.timeout),
                       to_text(deploy.good_after), spec().escalation.failures,
                       to_text(spec().escalation.window), ladder, keel::name(spec().ready),
                       spec().start.pre.empty() ? "" : ", with start.pre",
                       specs_.size() > 1 ? ", requires db and net" : "");
}

void ReleaseWorld::say(const std::string& what) const
{
    if (trace_) trace_(fmt::format("{:>12.6f}  {}", seconds(now() - born_), what));
}

// ---- the course of a life -----------------------------------------------------------------------

void ReleaseWorld::run()
{
    begin_life();
    plan();
    const auto rounds = 2 + rng_.below(3);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        storm();
        calm();
    }
}

void ReleaseWorld::storm()
{
    calm_ = false;
    kernel_.at_peace = false;
    run_until(now() + rng_.between(10min, 2h));
}

/// What hangs ends; then all that follows from it has its time.
void ReleaseWorld::calm()
{
    say("world   all is calm from now on");
    calm_ = true;
    fuse_.put_out();
    if (const auto work = kernel_.living({app_, whole_unit}))
        kernel_.end(*work, {core::ExitStatus::Kind::signal, 9, false});
    run_until(now() + 30min);
    if (specs_.size() > 1 && !core::is_wanted_up(engine_->host().unit(UnitId{1})))
        ask(core::Verb::start, {}, "db");
    if (!core::is_wanted_up(unit())) ask(core::Verb::start);
    run_until(now() + 40min);
    check_calm();
}

void ReleaseWorld::run_until(MonoTime end)
{
    while (loop_.has_deferred() || loop_.next_at() <= end)
        turn();
    loop_.move_to(end);
}

void ReleaseWorld::turn()
{
    if (now() != burst_began_) burst_ = 0;
    burst_began_ = now();
    if (++burst_ > 5000) violated("the loop goes round and round without time passing");
    try {
        if (loop_.has_deferred())
            loop_.run_deferred();
        else
            loop_.take_next()();
        if (engine_) turn_over();
    } catch (const EngineDied&) {
        die(/*midway=*/true);
    }
    if (exit_code_) {
        exit_code_.reset();
        fuse_.put_out();
        journal_.put(engine::key_of_clean_end, "yes"); // As the wiring does.
        end_life();
        if (rng_.chance(0.5)) boot();
        begin_life();
    }
}

void ReleaseWorld::begin_life()
{
    journal_.reopen(0);
    holds_.reopen(0);
    totals_.reopen(0);
    store_.reopen(FakeReleaseStore::After::engine);
    store_.on_disk = {disk_.current, {}};
    for (const auto& [id, tree] : disk_.trees)
        if (tree == ReleaseDisk::Tree::whole) store_.on_disk.all.push_back(id);
    engine::EngineOptions options;
    options.seed = rng_.next();
    engine_ = std::make_unique<engine::Engine>(
        engine::EnginePorts{loop_, kernel_, prober_, logs_, journal_, holds_, totals_, ledger_,
                            notices_, ready_pipes_, store_},
        configured(specs_), options);
    kernel_.set_handlers(
        {.on_exit = [this](SpawnId id, core::ExitStatus status,
                           core::TreeState tree) { engine_->process_exited(id, status, tree); },
         .on_tree_empty = [this](SpawnId id) { engine_->tree_emptied(id); }});
    engine_->on_stopped([this](int code) { exit_code_ = code; });
    subscription_ = engine_->subscribe([this](const core::EventView& event) { hear(event); });
    engine_->start();
}

void ReleaseWorld::end_life()
{
    ++deaths_;
    fuse_.put_out();
    subscription_.reset();
    engine_.reset();
    asked_.clear();
    loop_.engine_died();
    kernel_.engine_died();
    prober_.engine_died();
    notices_.engine_died();
    ready_pipes_.engine_died();
    ledger_.engine_died();
}

/// With the engine, or with the whole host.
void ReleaseWorld::die(bool midway)
{
    say(midway ? "engine  dies in the midst of a turn" : "engine  dies");
    end_life();
    if (rng_.chance(0.3)) boot();
    begin_life();
}

void ReleaseWorld::boot()
{
    say("host    boots");
    booted_ = loop_.now().wall;
    constexpr core::ExitStatus cut{core::ExitStatus::Kind::signal, 9, false};
    if (!at_work_.empty()) work_ended(std::vector(at_work_), cut);
    kernel_.host_booted();
    journal_.lose_everything();
    store_.reopen(FakeReleaseStore::After::boot);
}

void ReleaseWorld::end_in_order()
{
    say("person  keeld is to end");
    engine_->shut_down("the world wants it");
}

} // namespace keel::sim
