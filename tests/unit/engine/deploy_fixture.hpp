// An engine that deploys onto a disk which is a few sets: helpers and steps do to it what they say
// when they end well, and half of it when they are killed.
#pragma once
#include "engine_fixture.hpp"
#include "tests/sim/release_disk.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace keel::engine {

class DeployFixture : public EngineFixture {
protected:
    DeployFixture()
    {
        units::UnitSpec& spec = specs_[0];
        spec.command = {"{release}/bin/a"};
        spec.deploy.root = "/srv/a";
        spec.deploy.source = "/archives/{release}.tar";
        spec.deploy.verify_for = std::chrono::seconds(2);
        spec.deploy.steps = {{"migrate",
                              {"/bin/up", "{release}"},
                              {"/bin/down", "{release}"},
                              std::chrono::minutes(1)}};
        spec.escalation.ladder = {units::Rung::restart, units::Rung::redeploy,
                                  units::Rung::rollback, units::Rung::retry};
        fate_by_plan_ = [this](const ports::SpawnPlan& plan) { return fate_of_plan(plan); };
        work_ended_ = [this](const std::vector<std::string>& argv, core::ExitStatus status) {
            take_effect(argv, status);
        };
        disk_.put("v1");
        disk_.current = "v1";
        releases_.on_disk = {"v1", {"v1"}};
    }

    sim::ReleaseDisk disk_;
    using Disk = sim::ReleaseDisk;

    // ---- what goes wrong
    /// By the first words of what is run: `fetch`, `up`, `remove`; then how it ends, each time.
    struct Ending {
        int code = 0;
        core::DeployFault fault = core::DeployFault::none;
        int times = 1'000'000; ///< then it ends well
    };
    std::map<std::string, Ending> endings_;
    Duration fetch_takes_ = std::chrono::milliseconds(30);
    std::set<std::string> crash_; ///< releases that do, after a second

    std::optional<sim::Fate> fate_of_plan(const ports::SpawnPlan& plan)
    {
        sim::Fate fate;
        if (plan.slot != whole_unit) {
            const std::string id = Disk::release_in(plan.argv.front());
            if (!disk_.is_whole(id)) {
                fate.failure = ports::SpawnFailure{core::SetupStage::exec, ENOENT, {}};
                return fate;
            }
            if (crash_.contains(id)) fate.ends_after = std::chrono::seconds(1);
            fate.ends = sim::Fate::Ends::as_it_should;
            fate.status = {core::ExitStatus::Kind::code, 3, false};
            fate.term_takes = std::chrono::milliseconds(20);
            return fate;
        }
        fate.ends_after = std::chrono::milliseconds(30);
        fate.ends = sim::Fate::Ends::as_it_should;
        fate.status = {core::ExitStatus::Kind::code, 0, false};
        fate.term_status = {core::ExitStatus::Kind::signal, 15, false};
        if (Disk::verb_of(plan.argv) == "fetch") fate.ends_after = fetch_takes_;
        const auto ending = endings_.find(Disk::verb_of(plan.argv));
        if (ending == endings_.end() || ending->second.times-- <= 0) return fate;
        fate.status.number = ending->second.code;
        if (ending->second.fault != core::DeployFault::none) {
            releases_.progress.emplace();
            releases_.progress->fault = ending->second.fault;
            releases_.progress->what = "as told";
        }
        return fate;
    }

    /// What was killed is done half; what a rename or one step of its own is, wholly.
    void take_effect(const std::vector<std::string>& argv, core::ExitStatus status)
    {
        using enum sim::ReleaseDisk::Extent;
        const bool ended = status.kind == core::ExitStatus::Kind::code;
        const std::string verb = Disk::verb_of(argv);
        const bool is_sudden = verb == "point" || verb == "up" || verb == "down";
        disk_.take_effect(argv, ended       ? (status.number == 0 ? whole : none)
                                : is_sudden ? whole
                                            : half);
    }

    // ---- asking
    std::optional<core::OperationResult> answer_;
    void deploy(const std::string& id, core::Verb verb = core::Verb::deploy)
    {
        ports::RequestSpec what{"a", verb, {}, "ann", "testing"};
        what.deploy.release = id;
        const auto asked = engine_->request(
            what, [this](const core::OperationResult& result) { answer_ = result; });
        ASSERT_TRUE(std::holds_alternative<OperationId>(asked));
    }
    const core::Releases& releases() { return unit(0).releases; }
};

} // namespace keel::engine
