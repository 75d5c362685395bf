// A world in which a unit is deployed to, again and again: the real deployment machine, and a disk,
// commands and instances that fail, hang, half happen and are cut short by the end of Keel.
//
// After each deployment it looks whether what is there is the new release or the former one,
// complete and running, with every command done or undone, and never a mix.
#pragma once
#include "core/deployment.hpp"
#include "tests/sim/rng.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>

namespace keel::sim {

class DeployWorld {
public:
    using Trace = std::function<void(const std::string&)>;
    explicit DeployWorld(std::uint64_t seed, Trace trace = {});

    /// So many deployments, one after the other; throws Violation. The time that passed.
    Duration run(unsigned deployments);
    [[nodiscard]] std::uint64_t deaths() const { return deaths_; }

private:
    enum class Extent : std::uint8_t { none, part, whole };
    /// What an effect is about to end with.
    struct Effect {
        std::size_t step = 0;
        core::DeployWorked::Way way{};
        MonoTime ends_at;
        core::DeployFault fault = core::DeployFault::none;
        enum class Hangs : std::uint8_t { no, yes } hangs = Hangs::no;
    };
    struct OnDisk {
        std::vector<core::DeployStep> steps;
        core::Deployment::Course course;
        std::string failure;
        core::DeployFault fault;
    };
    struct Write {
        std::uint64_t record = 0;
        OnDisk what;
        MonoTime ends_at;
    };

    void deploy();
    void plan();
    void turn();
    void feed(const core::DeployEvent& event);
    void act(const core::DeployAction& action);
    void begin_effect(std::size_t step, core::DeployWorked::Way way);
    void check_order(std::size_t step, core::DeployWorked::Way way) const;
    void finish_effect();
    void take_effect(const Effect& effect, Extent extent);
    void finish_write();
    void die();
    void judge(core::CloseDeployment::Outcome outcome);
    void judge_committed() const;
    void judge_undone(core::CloseDeployment::Outcome outcome) const;
    [[nodiscard]] MonoTime next_at() const;
    void say(const std::string& what) const;

    Rng rng_;
    Trace trace_;
    MonoTime now_{std::chrono::hours(1)};
    MonoTime peace_at_{}; ///< from then on nothing goes wrong any more
    std::uint64_t deaths_ = 0;

    // The deployment that is under way.
    std::string release_, former_;
    std::vector<core::DeployStep> planned_;
    core::Deployment machine_;
    std::optional<OnDisk> record_; ///< what a new Keel finds
    std::optional<Write> write_;
    std::optional<Effect> effect_;
    std::optional<core::CloseDeployment::Outcome> outcome_;
    std::set<std::size_t> begun_;                                   ///< steps that were ever begun
    std::map<std::size_t, unsigned> undos_failed_;                  ///< in a row, by step
    enum class Word : std::uint8_t { no, yes } aborted_ = Word::no; ///< by a person, in time
    core::DeployFault worst_ = core::DeployFault::none;             ///< that any effect ended with

    // What is there.
    std::map<std::string, Extent> releases_; ///< on disk
    std::map<std::string, Extent> archives_;
    std::map<std::size_t, Extent> commands_; ///< of this deployment, by step
    std::string runs_, current_;             ///< release of the instances; `current`
};

} // namespace keel::sim
