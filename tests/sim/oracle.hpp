// What PRODUCT says, written a second time and as naively as can be, and held against the brain.
//
// The oracle hears what the brain tells (moves, failures, rungs, closed outages) and what a person
// asked for, does its own sums from that (sections 2, 4 and 6 of PRODUCT), and compares: delays,
// budgets, rungs, the storm brake, the order of starting, outage records. It shares no code with
// core but the specs and the names of states.
#pragma once
#include "tests/sim/brain.hpp"
#include "tests/sim/scenario.hpp"

#include <array>
#include <deque>

namespace keel::sim {

/// Where an instance stands, as far as the oracle has been told.
struct SeenInstance {
    std::string state = "stopped";
    MonoTime ready_since{};
    core::ReadyTime ready_before; ///< of this spawn, before ready_since
    unsigned in_a_row = 0;
    std::vector<MonoTime> charged;
    MonoTime not_before{};            ///< no start before this
    std::optional<MonoTime> retry_at; ///< named for its next start, while in backoff
    Duration pause_low{0};            ///< of the backoff that the latest failure asks for
    Duration pause_high{0};
    bool failure_told = false;  ///< since its latest move
    bool moved_unheard = false; ///< while a new brain found its feet
};

/// An outage as section 6 has it.
struct SeenOutage {
    enum class State : std::uint8_t { none, open, settling } state = State::none;
    MonoTime opened{};
    MonoTime ready_since{};
    enum class Planned : std::uint8_t { no, yes, not_known } planned = Planned::not_known;
    enum class Exact : std::uint8_t {
        no,
        yes
    } exact = Exact::yes; ///< opened by an event, not by time
    OutageId id{};        ///< as the brain calls it; 0: not yet seen
};

struct ExpectedRecord {
    MonoTime opened;
    MonoTime closed;
    SeenOutage::Planned planned = SeenOutage::Planned::not_known;
    SeenOutage::Exact exact = SeenOutage::Exact::yes;
    MonoTime expected_at; ///< when it ought to have been told
};

struct SeenUnit {
    std::vector<SeenInstance> instances;
    unsigned rung = 0;
    bool climb_due = false;
    std::optional<unsigned> hook_of; ///< the rung whose hook runs
    bool settled = false;
    std::optional<MonoTime> failed_at;
    std::optional<MonoTime> ready_since;
    std::optional<MonoTime> first_wanted;
    std::string_view wanted = "down"; ///< as of the latest step
    bool left_alone = false;          ///< the same
    MonoTime handed_back_at{};        ///< when it was no longer
    SeenOutage outage;
    std::deque<ExpectedRecord> closed; ///< expected, not yet told
    std::deque<core::Outage> told;     ///< told, not yet expected
    std::optional<MonoTime> asked_at;  ///< a person's latest word
    std::optional<MonoTime> let_go_at; ///< when the time of a hold is over
    bool apply_cut = false;            ///< since the latest step
    bool ready_meanwhile = false;      ///< after a move in this step, or turn
    bool operation_over = false;       ///< in this step
    bool relapsed = false;             ///< in this step, and who knows whether that was planned
    bool at_work = false;              ///< a oneshot on its first try, when last judged
    bool began_late = false;           ///< it began to work in this step, when its time was over
};

class Oracle {
public:
    struct World {
        const FakeLoop& loop;
        const FakeKernel& kernel;
        Duration lateness; ///< of timers, at most, with the loop's resolution
        core::StormBrakeSpec storm;
        bool is_exact; ///< told of single steps, and never of events that come late
        bool by_turns; ///< step_over() comes after several steps
    };

    Oracle(std::vector<units::UnitSpec> specs, World world);

    // ---- what happens
    void booted();
    /// Before a request that will be taken.
    void asked(const core::Host&, UnitId, core::Verb, std::optional<Slot>, core::HoldTerms);
    /// Before an apply that gives the unit another spec: it may be restarted, on a person's word.
    void applied(UnitId id) { units_[number(id)].asked_at = now(); }
    /// It was cut short with the engine: the next one may restart the unit before it is heard.
    void apply_cut(UnitId id)
    {
        applied(id);
        units_[number(id)].apply_cut = true;
    }
    void shutting_down() { ending_ = true; }
    void moved(const core::Host&, InstanceId, std::string_view from, std::string_view to,
               std::string_view reason);
    void failed(InstanceId, Observer::Charge, std::optional<core::StartCause>);
    void climbed(UnitId);
    /// While a new brain finds its feet.
    void climbed_unheard(UnitId id) { ++units_[number(id)].rung; }
    /// Whether the rung on which it stands runs a hook.
    [[nodiscard]] bool runs_hook(UnitId id) const;
    void rung_hook_ended(const core::Host&, UnitId, core::HookResult);
    void moved_unheard(InstanceId id) { seen(id).moved_unheard = true; }
    void descended_unheard(UnitId id) { units_[number(id)].rung = 0; }
    void descended(UnitId);
    void operation_ended(const core::Host&, UnitId);
    void hold_ended(const core::Host&, UnitId);
    void outage_closed(const core::Host&, const core::Outage&);
    void step_over(const core::Host&);
    /// A new brain: what it knows is taken as it is; with `intact` memory it must know what was.
    void resync(const core::Host&, bool intact);

    [[nodiscard]] const SeenUnit& unit(UnitId id) const { return units_[number(id)]; }
    [[nodiscard]] unsigned ready_count(UnitId id) const;
    [[nodiscard]] bool is_ready(UnitId id) const { return ready_count(id) >= spec(id).min_ready; }
    /// Whether it is a oneshot that has neither done its work nor failed yet, and tries.
    [[nodiscard]] bool is_at_work(UnitId id) const;
    [[nodiscard]] bool is_given_up(UnitId id) const; ///< some of it, and nothing of it goes on
    /// A kill for liveness takes one of the storm brake, if there is one; whether there is.
    bool take_kill_token();
    /// Whether all that it requires is ready.
    [[nodiscard]] bool requirements_ready(UnitId id) const;

private:
    [[nodiscard]] const units::UnitSpec& spec(UnitId id) const { return specs_[number(id)]; }
    [[nodiscard]] MonoTime now() const { return world_.loop.now().mono; }
    [[nodiscard]] std::string who(InstanceId id) const;
    /// The span of an error budget.
    [[nodiscard]] static Duration window_of(const units::UnitSpec&);
    [[nodiscard]] UnitId find(const std::string& name) const;
    SeenInstance& seen(InstanceId id) { return units_[number(id.unit)].instances[id.slot - 1U]; }
    [[nodiscard]] core::ReadyTime ready_time(const SeenInstance&) const;

    /// When what falls due at that moment must have been seen to, also if nobody was there then.
    [[nodiscard]] MonoTime at_the_latest(MonoTime due) const
    {
        return std::max(due, woke_at_) + world_.lateness;
    }
    [[nodiscard]] Duration slack_of(SeenOutage::Exact exact, MonoTime opened) const
    {
        return exact == SeenOutage::Exact::yes ? Duration{0} : at_the_latest(opened) - opened;
    }
    void clear(SeenInstance&);
    [[nodiscard]] bool has_heard_all(const core::Host&, UnitId) const;
    void hand_back(SeenUnit&) const;
    enum class Completed : std::uint8_t { run_again, stay_done };
    void be_up(const core::Host&, UnitId, Completed);
    void be_wanted_up(const core::Host&, UnitId);
    void start_what_is_needed(const core::Host&, UnitId);
    void check_start(const core::Host&, InstanceId);
    /// A unit that is held as it is: nothing is begun and nothing is stopped.
    void check_hold(const core::Host&, InstanceId, std::string_view to) const;
    void forgive_for_restart(const core::Host&, InstanceId);
    void check_pause(const core::Host&, InstanceId);
    void check_stop(const core::Host&, InstanceId, std::string_view reason);
    void check_recall(const core::Host&, InstanceId, std::string_view reason) const;
    [[nodiscard]] bool is_recall(UnitId id, std::string_view reason) const;
    [[nodiscard]] bool main_runs(InstanceId) const;
    void check_roll(const core::Host&, InstanceId) const;
    void check_stop_order(UnitId) const;
    void take_clean_exit(InstanceId, std::string_view from, std::string_view to,
                         std::string_view reason);
    void take_token(InstanceId);
    void refill();
    void check_patience(InstanceId, std::optional<core::StartCause>) const;
    void charge(InstanceId);
    void check_rung(const core::Host&, UnitId);
    void check_memory(UnitId, const SeenUnit& before, const SeenUnit& after) const;

    // oracle_outage.cpp
    enum class Moment : std::uint8_t { move, step_end };
    void judge_outage(const core::Host&, UnitId, Moment, SeenOutage::Planned planned);
    void settle_by_time(UnitId);
    void follow_split(UnitId, const core::Outage* open);
    void follow_flicker(UnitId, const core::Outage* open);
    void follow_late_work(UnitId, const core::Outage* open);
    void compare_outage(const core::Host&, UnitId);
    void match_records(UnitId);
    void match(UnitId, const ExpectedRecord&, const core::Outage&) const;
    void close_outage(UnitId, MonoTime at);

    std::vector<units::UnitSpec> specs_;
    World world_;
    std::vector<SeenUnit> units_;
    double tokens_;
    MonoTime tokens_at_{};
    MonoTime woke_at_{}; ///< when the present brain began
    bool ending_ = false;
};

} // namespace keel::sim
