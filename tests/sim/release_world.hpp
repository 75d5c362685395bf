// A world with one unit that runs from releases, under the whole engine: people deploy, roll back,
// stop and cancel; releases crash at once, on trial or only later; helpers and steps fail, hang or
// are cut short; and the engine, or the host, ends at any moment.
//
// Storms and calm take turns. At every moment what is stopped for a release is stopped only while
// all others serve, nothing runs from a tree that is not whole, and nothing in use is removed; in
// each calm what is wanted serves from one release, and nothing is left over.
#pragma once
#include "engine/engine.hpp"
#include "tests/sim/fake_kernel.hpp"
#include "tests/sim/fake_ledger.hpp"
#include "tests/sim/fake_notices.hpp"
#include "tests/sim/fake_ports.hpp"
#include "tests/sim/fake_ready_pipes.hpp"
#include "tests/sim/fake_release_store.hpp"
#include "tests/sim/release_disk.hpp"

#include <functional>
#include <memory>

namespace keel::sim {

class ReleaseWorld {
public:
    using Trace = std::function<void(const std::string&)>;
    explicit ReleaseWorld(std::uint64_t seed, Trace trace = {});

    /// Throws Violation.
    void run();
    [[nodiscard]] Duration lasted() const { return loop_.now().mono - born_; }
    [[nodiscard]] std::uint64_t deaths() const { return deaths_; }
    [[nodiscard]] std::uint64_t deployments() const { return judged_; }
    [[nodiscard]] std::string describe() const;

private:
    /// How what runs from a release behaves.
    enum class Temper : std::uint8_t {
        sound,
        crashes_at_once,
        crashes_on_trial,
        crashes_later, ///< once it has passed its trial, and before it is good
        never_ready
    };

    // release_world.cpp: the course of a life
    void run_until(MonoTime end);
    void turn();
    void begin_life();
    void end_life();
    void die(bool midway);
    void boot();
    void end_in_order();
    void storm();
    void calm();

    // release_faults.cpp: what goes wrong, and who asks for what
    void plan();
    void repeat(Duration every, const std::function<void()>& fault);
    void somebody_asks();
    void ask(core::Verb verb, core::DeployTerms terms = {}, const std::string& unit = "app");
    void somebody_asks_of_db();
    void somebody_cancels();
    void something_crashes();
    void a_file_is_damaged();
    void keel_ends();
    std::optional<Fate> draw_fate(const ports::SpawnPlan& plan);
    Fate draw_process(const std::string& release);
    Fate draw_hook();
    Fate draw_work(const std::vector<std::string>& argv);
    void fail_work(Fate& fate, const std::string& verb);
    void work_ended(const std::vector<std::string>& argv, core::ExitStatus status);
    Temper temper_of(const std::string& release);

    // release_promises.cpp: what must hold
    void hear(const core::EventView& event);
    void check_move(Slot slot, std::string_view to, std::string_view reason);
    void turn_over();
    void note_readiness();
    void check_deployments();
    void check_deployment(const core::DeploymentRecord& record);
    void check_steps(const std::string& release, core::CloseDeployment::Outcome outcome);
    void check_unused(const std::string& release);
    void check_formers_unused(const std::string& release);
    void check_calm();
    void check_serves();
    void check_disk();
    [[nodiscard]] bool can_serve(const std::string& release);

    [[nodiscard]] const core::Unit& unit() const { return engine_->host().unit(app_); }
    [[nodiscard]] const core::Releases& releases() const { return unit().releases; }
    [[nodiscard]] const units::UnitSpec& spec() const { return specs_.front(); }
    [[nodiscard]] MonoTime now() const { return loop_.now().mono; }
    [[nodiscard]] InstanceId find(const std::string& unit, Slot slot) const;
    void say(const std::string& what) const;

    static constexpr UnitId app_{0};
    Rng rng_;
    Trace trace_;
    std::vector<units::UnitSpec>
        specs_; ///< the one with releases, and perhaps two that it requires
    Fuse fuse_;
    FakeLoop loop_;
    FakeKernel kernel_;
    FakeProber prober_;
    FakeLogs logs_;
    FakeJournal journal_, holds_, totals_;
    FakeLedger ledger_;
    FakeNotices notices_;
    FakeReadyPipes ready_pipes_{fuse_};
    FakeReleaseStore store_{loop_, fuse_};
    ReleaseDisk disk_;
    std::unique_ptr<engine::Engine> engine_;
    std::unique_ptr<ports::Supervisor::Subscription> subscription_;
    std::optional<int> exit_code_;

    MonoTime born_{};
    WallTime booted_{};
    bool calm_ = false;
    std::uint64_t deaths_ = 0;
    std::uint64_t latest_ = 1; ///< number of the newest release
    std::map<std::string, Temper> tempers_;
    std::set<std::string> damaged_;
    std::vector<std::string> at_work_;       ///< for a deployment: what is run; empty: nothing
    std::map<Slot, unsigned> runs_making_;   ///< by main process: which making of its release
    std::map<Slot, std::string> prepared_;   ///< by start.pre: for which release
    std::set<std::string> unpacked_in_vain_; ///< what runs of them is not restarted for that
    std::set<std::string> were_in_force_;
    std::set<std::string> stuck_;     ///< a step of theirs could not be undone
    std::set<std::string> left_over_; ///< what could not be removed when that was tried last
    struct Weights {
        Duration asked_every{0}, ends_every{0}, crash_every{0}, damage_every{0};
        double bad_releases = 0, work_fails = 0, work_hangs = 0, unreachable = 0, link_fails = 0;
    } weights_;

    MonoTime burst_began_{}; ///< of turns at one and the same time
    unsigned burst_ = 0;

    // What is known of it from outside.
    std::map<Slot, std::string> seen_;      ///< state of each instance, as last told
    std::optional<MonoTime> ready_since_{}; ///< with the present release
    std::string ready_on_;
    std::set<std::string> proved_; ///< ready for good_after without a break
    std::set<std::string> called_good_;
    std::size_t judged_ = 0;      ///< of ledger_.deployments
    std::set<OperationId> asked_; ///< and not answered yet
};

} // namespace keel::sim
