// An engine that deploys onto a disk which is a few sets: helpers and steps do to it what they say
// when they end well, and half of it when they are killed.
#pragma once
#include "engine_fixture.hpp"

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
        put_on_disk("v1");
        disk_.current = "v1";
        releases_.on_disk = {"v1", {"v1"}};
    }

    // ---- the disk
    enum class Tree : std::uint8_t { partial, whole };
    struct Disk {
        std::set<std::string> archives;
        std::map<std::string, Tree> trees;
        std::string current;
        std::map<std::string, int> migrated; ///< by release: up without its down
    } disk_;
    void put_on_disk(const std::string& id)
    {
        disk_.archives.insert(id);
        disk_.trees[id] = Tree::whole;
    }
    [[nodiscard]] bool is_whole(const std::string& id) const
    {
        const auto found = disk_.trees.find(id);
        return found != disk_.trees.end() && found->second == Tree::whole;
    }

    // ---- what goes wrong
    /// By the first words of what is run: `fetch`, `up`, `remove`; then how it ends, each time.
    struct Ending {
        int code = 0;
        core::DeployFault fault = core::DeployFault::none;
        int times = 1'000'000; ///< then it ends well
    };
    std::map<std::string, Ending> endings_;
    std::set<std::string> crash_; ///< releases that do, after a second

    static std::string value_after(const std::vector<std::string>& argv, std::string_view option)
    {
        const auto at = std::ranges::find(argv, option);
        return at == argv.end() || at + 1 == argv.end() ? std::string() : *(at + 1);
    }
    static std::string verb_of(const std::vector<std::string>& argv)
    {
        const std::string program = argv.front().substr(argv.front().rfind('/') + 1);
        return program == "keel-release" ? argv.at(1) : program;
    }
    static std::string release_in(const std::string& path)
    {
        const std::string_view inside = "/releases/";
        const auto from = path.find(inside);
        if (from == std::string::npos) return {};
        const auto begin = from + inside.size();
        return path.substr(begin, path.find('/', begin) - begin);
    }

    std::optional<sim::Fate> fate_of_plan(const ports::SpawnPlan& plan)
    {
        sim::Fate fate;
        if (plan.slot != whole_unit) {
            const std::string id = release_in(plan.argv.front());
            if (!is_whole(id)) {
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
        const auto ending = endings_.find(verb_of(plan.argv));
        releases_.progress.reset();
        if (ending == endings_.end() || ending->second.times-- <= 0) return fate;
        fate.status.number = ending->second.code;
        if (ending->second.fault != core::DeployFault::none) {
            releases_.progress.emplace();
            releases_.progress->fault = ending->second.fault;
            releases_.progress->what = "as told";
        }
        return fate;
    }

    void take_effect(const std::vector<std::string>& argv, core::ExitStatus status)
    {
        const bool well = status.kind == core::ExitStatus::Kind::code && status.number == 0;
        const bool failed = status.kind == core::ExitStatus::Kind::code && status.number != 0;
        const std::string verb = verb_of(argv);
        const std::string id = value_after(argv, "--id");
        if (verb == "fetch" && well) disk_.archives.insert(id);
        if (verb == "unpack" && well) disk_.trees[id] = Tree::whole;
        if (verb == "unpack" && !well && !failed) disk_.trees.try_emplace(id, Tree::partial);
        if (verb == "point" && !failed) disk_.current = id;
        if (verb == "remove" && well) {
            disk_.trees.erase(id);
            disk_.archives.erase(id);
        }
        if (verb == "remove" && !well && !failed) disk_.trees[id] = Tree::partial;
        if (verb == "up" && !failed) disk_.migrated[release_in(argv.at(1))] = 1;
        if (verb == "down" && !failed) disk_.migrated[release_in(argv.at(1))] = 0;
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
