// One simulated life of a host: a seed, a scenario, a brain, and everything that goes wrong.
//
// A world first lives through faults (safety: nothing forbidden ever happens), then the faults stop
// and everything that was not given up or held must be ready within a bound (liveness), and
// sometimes it is shut down. run() throws Violation at the first broken promise.
#pragma once
#include "tests/sim/liveness_watch.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/probe_watch.hpp"
#include "tests/sim/rung_watch.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/voices.hpp"

#include <map>
#include <memory>
#include <set>

namespace keel::sim {

struct Tally {
    double hours = 0;
    std::uint64_t turns = 0;
    std::uint64_t spawns = 0;
    std::uint64_t deaths = 0;  ///< of the engine
    std::uint64_t outages = 0; ///< closed
    std::uint64_t requests = 0;
    std::uint64_t applies = 0; ///< that were answered
    std::uint64_t deployments = 0;
};

class World final : public Observer {
public:
    World(std::uint64_t seed, Size size, std::function<void(const std::string&)> trace = {});
    ~World() override;

    Tally run();
    [[nodiscard]] std::string describe() const; ///< the units, for whoever reads a trace

    // ---- Observer
    void moved(InstanceId, std::string_view from, std::string_view to,
               std::string_view reason) override;
    void failed(InstanceId, Charge, std::optional<core::StartCause>) override;
    void climbed(UnitId) override;
    void rung_hook_ended(UnitId, core::HookResult) override;
    void descended(UnitId) override;
    void outage_closed(const core::Outage&) override;
    void operation_ended(UnitId) override;
    void hold_ended(UnitId) override;
    void answered(OperationId) override;
    void exit_wanted() override;
    void frozen(UnitId, std::string_view what) override;
    void step_over(Cause) override;
    void all_stopped(int exit_code) override;
    void trace(std::string_view line) override;
    [[nodiscard]] bool is_tracing() const override { return static_cast<bool>(trace_); }

private:
    // world.cpp: the course of a life
    void run_until(MonoTime end);
    void turn();
    void begin_life();
    void end_deafness();
    void die(bool midway);
    void calm_down();
    void check_kill(InstanceId, std::optional<Duration> asked) const;
    [[nodiscard]] bool is_excused(UnitId, const std::set<std::string>& out_of_order) const;
    void check_recovered();
    void stop_everything();

    // faults.cpp: what goes wrong
    void plan_faults();
    void change_weather();
    [[nodiscard]] bool is_calm() const { return calm_ || now() < quiet_until_; }
    void repeat(Duration every, std::function<void()> fault);
    [[nodiscard]] Fate draw_fate(InstanceId id);
    [[nodiscard]] Fate draw_hook_fate(InstanceId id, units::Hook hook);
    [[nodiscard]] Fate draw_rung_hook_fate(UnitId id);
    [[nodiscard]] Fate draw_any_hook_fate(const Temper& temper, Duration limit);
    [[nodiscard]] ProbeFate draw_probe(const std::string& address, Duration timeout);
    void probe_said(const std::string& address, core::Verdict verdict);
    void born(SpawnId spawn, InstanceId id, const Fate& fate);
    void say(SpawnId spawn, InstanceId id, const core::Notice& notice);
    void show_life(SpawnId spawn, InstanceId id);
    void notice_told(SpawnId spawn, const core::Notice& notice);
    void somebody_asks();
    void somebody_cancels(UnitId id);
    core::HoldTerms draw_terms();
    void stand_still(Duration by);
    void somebody_falls_ill();
    void many_crash();
    void engine_dies();

    // promises.cpp: what must hold after every step
    void check_promises(Cause cause);
    void check_instance(InstanceId id, const core::Instance& instance);
    void check_operation(UnitId id, const core::Unit& unit);
    void check_process(InstanceId id, const core::Instance& instance);
    void check_hook(InstanceId id, const core::Instance& instance);
    void check_rung_hook(UnitId id, const core::Unit& unit);
    void check_liveness(InstanceId id, const core::Instance& instance);
    [[nodiscard]] bool is_liveness_suspended(UnitId id) const;
    void check_rung_hook_told(const core::Outage& record) const;
    void check_gate(InstanceId id, const core::BlockedOn& on);
    void check_wait(InstanceId id, const core::Instance& instance);
    void check_failed(InstanceId id);
    void check_watchdog(InstanceId id, const core::Instance& instance);
    void check_move_by_voice(InstanceId id, std::string_view to, std::string_view reason);
    void check_deadline(Cause cause);

    // applies.cpp: other configurations
    struct Version {
        std::string command = "first";
        std::string description;
        friend bool operator==(const Version&, const Version&) = default;
    };
    using Versions = std::vector<Version>; ///< by unit
    void somebody_applies();
    void store(const engine::ApplyOrder::Stored& stored);
    void apply_ended(const core::ApplyView& view);
    void apply_dies();
    void check_trial(const std::vector<UnitId>& changed);
    void check_configuration() const;
    void check_restart_by_apply(InstanceId id);
    void check_applied();
    [[nodiscard]] Versions first_versions() const;
    [[nodiscard]] Versions in_force() const;
    [[nodiscard]] std::vector<units::UnitSpec> specs_of(const Versions& versions) const;
    [[nodiscard]] bool runs_badly(InstanceId id) const;

    [[nodiscard]] const units::UnitSpec& spec(UnitId id) const
    {
        return scenario_.specs[number(id)];
    }
    [[nodiscard]] MonoTime now() const { return loop_.now().mono; }
    [[nodiscard]] std::string who(InstanceId id) const;
    [[nodiscard]] InstanceId find(const std::string& unit, Slot slot) const;

    std::uint64_t seed_;
    Size size_;
    std::function<void(const std::string&)> trace_;
    Rng rng_;
    Scenario scenario_;
    Fuse fuse_;
    FakeLoop loop_;
    FakeKernel kernel_;
    FakeProber prober_;
    FakeLogs logs_;
    FakeJournal journal_;
    FakeJournal holds_;
    FakeJournal totals_;
    FakeLedger ledger_;
    FakeNotices notices_;
    FakeReadyPipes ready_pipes_{fuse_};
    FakeReleaseStore releases_{loop_, fuse_};
    MonoTime held_until_{}; ///< no hold that ends by itself ends later
    CoreMemory memory_;
    Oracle oracle_;
    ProbeWatch probes_;
    RungWatch rungs_;
    std::map<UnitId, MonoTime> rung_told_at_; ///< when the end of the latest hook was told
    LivenessWatch liveness_;
    Voices voices_;
    std::unique_ptr<Brain> brain_;

    MonoTime brain_born_{};
    bool calm_ = false;      ///< the faults have stopped
    MonoTime quiet_until_{}; ///< nothing bad happens before
    bool deaf_ = false;      ///< a new brain finds its feet: the oracle takes over what it knows
    bool intact_ = true;     ///< the new brain has the whole of what the last one knew
    bool ending_ = false;
    std::optional<int> stopped_with_;
    Versions on_disk_;                  ///< the generation that a new engine begins with
    std::optional<Versions> candidate_; ///< of an apply that is under way
    bool storing_ = false;
    std::uint64_t latest_version_ = 0;
    std::set<OperationId> open_requests_;
    std::set<OperationId> answered_early_;
    MonoTime burst_began_{}; ///< of turns at one and the same time
    unsigned burst_ = 0;
    Tally tally_;
};

} // namespace keel::sim
