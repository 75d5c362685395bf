// An engine on the simulator's fake ports, which can die and be followed by another one.
#pragma once
#include "engine/engine.hpp"
#include "engine/log.hpp"
#include "tests/sim/fake_kernel.hpp"
#include "tests/sim/fake_ledger.hpp"
#include "tests/sim/fake_notices.hpp"
#include "tests/sim/fake_ports.hpp"
#include "tests/sim/fake_ready_pipes.hpp"
#include "tests/sim/fake_release_store.hpp"
#include "units/effective.hpp"

#include <gtest/gtest.h>
#include <memory>

namespace keel::engine {

class EngineFixture : public ::testing::Test {
protected:
    EngineFixture() { log::set_level(log::Level::off); }

    static units::UnitSpec spec_named(const std::string& name)
    {
        units::UnitSpec spec;
        spec.name = name;
        spec.command = {"/bin/true"};
        return spec;
    }

    static std::vector<ConfiguredUnit> configured(const std::vector<units::UnitSpec>& specs)
    {
        std::vector<ConfiguredUnit> all;
        for (const units::UnitSpec& spec : specs) {
            all.push_back({spec, {}, {}});
            all.back().spec.recipe = units::recipe_of(spec);
        }
        return all;
    }

    /// A new engine takes over; `lost` bytes of the journal's end are gone.
    void start(std::size_t lost = 0)
    {
        journal_.reopen(lost);
        holds_.reopen(0);
        totals_.reopen(0);
        releases_.reopen(sim::FakeReleaseStore::After::engine);
        engine_ = std::make_unique<Engine>(EnginePorts{loop_, kernel_, prober_, logs_, journal_,
                                                       holds_, totals_, ledger_, notices_,
                                                       ready_pipes_, releases_},
                                           configured(specs_), options_);
        kernel_.set_handlers(
            {.on_exit = [this](SpawnId id, core::ExitStatus status,
                               core::TreeState tree) { engine_->process_exited(id, status, tree); },
             .on_tree_empty = [this](SpawnId id) { engine_->tree_emptied(id); }});
        engine_->start();
    }
    void die()
    {
        engine_.reset();
        loop_.engine_died();
        kernel_.engine_died();
        prober_.engine_died();
        notices_.engine_died();
        ready_pipes_.engine_died();
        ledger_.engine_died();
    }
    /// Lives on for so long.
    void run(Duration length)
    {
        const MonoTime end = loop_.now().mono + length;
        while (loop_.has_deferred() || loop_.next_at() <= end) {
            if (loop_.has_deferred())
                loop_.run_deferred();
            else
                loop_.take_next()();
        }
        loop_.move_to(end);
    }
    void ask(const std::string& unit, core::Verb verb, core::HoldTerms terms = {})
    {
        const auto answer = engine_->request({unit, verb, {}, "ann", "gdb", terms},
                                             [](const core::OperationResult&) {});
        ASSERT_TRUE(std::holds_alternative<OperationId>(answer));
    }
    const core::Unit& unit(std::uint32_t index) { return engine_->host().unit(UnitId{index}); }
    std::optional<SpawnId> spawn_of(std::uint32_t index)
    {
        return core::spawn_of(unit(index).instances.at(0).state);
    }
    InstanceId find(const std::string& name, Slot slot = 1)
    {
        for (std::uint32_t i = 0; i < specs_.size(); ++i)
            if (specs_[i].name == name) return {UnitId{i}, slot};
        return {};
    }

    std::vector<units::UnitSpec> specs_{spec_named("a")};
    sim::Fate fate_;                                            ///< of whatever is spawned next
    sim::Fate hook_fate_;                                       ///< the same of hooks
    std::function<sim::Fate(const std::string& unit)> fate_of_; ///< where it depends on the unit
    std::function<std::optional<sim::Fate>(const ports::SpawnPlan&)> fate_by_plan_;
    std::function<void(const std::vector<std::string>&, core::ExitStatus)> work_ended_;
    sim::Rng rng_{1};
    sim::Fuse fuse_;
    sim::FakeLoop loop_;
    sim::FakeKernel kernel_{
        loop_,
        rng_,
        fuse_,
        {.fate =
             [this](InstanceId id) {
                 return fate_of_ ? fate_of_(specs_[number(id.unit)].name) : fate_;
             },
         .hook_fate = [this](InstanceId, units::Hook) { return hook_fate_; },
         .spec = [this](InstanceId id) -> const units::UnitSpec& {
             return specs_[number(id.unit)];
         },
         .find = [this](const std::string& name, Slot slot) { return find(name, slot); },
         .born = {},
         .trace = {},
         .fate_of =
             [this](const ports::SpawnPlan& plan) {
                 return fate_by_plan_ ? fate_by_plan_(plan) : std::nullopt;
             },
         .work_ended =
             [this](const std::vector<std::string>& argv, core::ExitStatus status) {
                 if (work_ended_) work_ended_(argv, status);
             }}};
    sim::FakeProber prober_{loop_, fuse_,
                            [this](const std::string&, Duration) { return probe_fate_; },
                            [](const std::string&, core::Verdict) {}};
    sim::ProbeFate probe_fate_;
    sim::FakeLogs logs_{rng_, fuse_};
    sim::FakeNotices notices_{loop_, rng_, fuse_, [](SpawnId, const core::Notice&) {}};
    sim::FakeReadyPipes ready_pipes_{fuse_};
    sim::FakeJournal journal_{fuse_};
    sim::FakeJournal holds_{fuse_};
    sim::FakeJournal totals_{fuse_};
    sim::FakeLedger ledger_{loop_, fuse_};
    sim::FakeReleaseStore releases_{loop_, fuse_};
    EngineOptions options_;
    std::unique_ptr<Engine> engine_;
};

} // namespace keel::engine
