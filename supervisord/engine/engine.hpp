// The brain's body: takes events in, lets core decide, stores, journals, carries the actions out.
//
// One thread, one queue, run to completion: event, step, journal, actions, one timer. Actions never
// call back; what comes of them are later events. It decides nothing itself and promises that
// whatever it has done is in the journal first, so that a new engine can take over at any moment.
#pragma once
#include "core/host.hpp"
#include "core/rollout.hpp"
#include "engine/apply.hpp"
#include "engine/event_feed.hpp"
#include "engine/operation_book.hpp"
#include "engine/state_codec.hpp"
#include "ports/ledger.hpp"
#include "ports/log_sink.hpp"
#include "ports/loop.hpp"
#include "ports/notices.hpp"
#include "ports/notifier.hpp"
#include "ports/prober.hpp"
#include "ports/ready_pipes.hpp"
#include "ports/release_store.hpp"
#include "ports/spawner.hpp"
#include "ports/state_journal.hpp"
#include "ports/supervisor.hpp"

#include <deque>
#include <map>
#include <random>
#include <unordered_map>

namespace keel::engine {

/// What the engine acts through. All outlive it.
struct EnginePorts {
    ports::Loop& loop;
    ports::Spawner& spawner;
    ports::Prober& prober;
    ports::LogSink& logs;
    ports::StateJournal& journal; ///< of this boot
    ports::StateJournal& holds;   ///< kept over boots: what persons hold until they say otherwise
    ports::StateJournal& totals;  ///< the same: ids that are used, and what was counted
    ports::Ledger& ledger;
    ports::Notices& notices;
    ports::ReadyPipes& ready_pipes;
    ports::ReleaseStore& releases;
    ports::Notifier* notifier = nullptr; ///< none: nobody is to be told of anything
};

/// Journal key that says: keeld stopped everything and ended in order. Written by the wiring as the
/// last thing, taken away by the next start.
inline const std::string key_of_clean_end = "clean-end";

/// Key of the totals that says: they are those of the engine's very end, and nothing has come after
/// them. Written and taken away as the one before.
inline const std::string key_of_totals_end = "end";

struct EngineOptions {
    core::HostOptions host;
    std::string runtime_root = "/run/keel/units"; ///< for {runtime_dir}
    std::uint64_t seed = 0;                       ///< of the jitter
    std::uint64_t first_event = 1;                ///< id of the first event
    Duration trial = std::chrono::seconds(10);    ///< ready for so long without a break, after an
                                                  ///< apply, is good enough
    Identity own{};                               ///< keeld's, for hooks of ladders
    std::string release_helper = "keel-release";  ///< path of the program
    /// Yes: before this engine there was not even a keeper.
    enum class Absence : std::uint8_t { no, yes } absence = Absence::no;
    std::optional<ports::LastLife> before{}; ///< then; none: nothing is known of it
};

class Engine final : public ports::Supervisor {
public:
    Engine(EnginePorts ports, std::vector<ConfiguredUnit> units, EngineOptions options);
    ~Engine() override;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// Goes on where the journal ends, or boots if there is nothing to go on from.
    void start();

    /// Stops everything in reverse order; `on_stopped` is told when nothing lives any more.
    void shut_down(const std::string& why);
    void on_stopped(std::function<void(int exit_code)> handler)
    {
        on_stopped_ = std::move(handler);
    }

    /// For the wiring: ends of processes, as ports::Spawner reports them.
    void process_exited(SpawnId spawn, core::ExitStatus status, core::TreeState tree);
    void tree_emptied(SpawnId spawn);
    void resources_refused(SpawnId spawn, const std::string& why);
    /// A spawn id for somebody else's process (an exec probe).
    SpawnId take_spawn_id();
    /// What became of an instance's output: dropped, kept again.
    void note_log(const std::string& unit, Slot slot, const std::string& text);
    /// How long a turn of the loop took.
    void note_turn(Duration lag)
    {
        counters_.loop_lag.observe(seconds(lag));
        late_turns_.note(ports_.loop.precise(), lag);
    }

    /// Puts another configuration in force: its changes unit by unit, each in its turn, and back
    /// again if one does not prove itself. `done` is told once, later, unless it is refused.
    std::optional<ports::Refusal> apply(ApplyOrder order, ApplyDone done);

    [[nodiscard]] const core::Host& host() const { return host_; }
    /// `3 units: 2 up, 1 held`
    [[nodiscard]] std::string headline() const;

    // ---- ports::Supervisor
    [[nodiscard]] std::vector<core::UnitView> units() const override;
    [[nodiscard]] std::optional<core::UnitView> unit(std::string_view name) const override;
    [[nodiscard]] std::optional<core::WhyView> why(std::string_view name) const override;
    [[nodiscard]] std::vector<core::OutageView> outages() const override;
    void find_outages(const ports::OutageQuery& query,
                      std::function<void(ports::OutageHistory)> done) const override;
    void find_past(WallTime since, std::function<void(core::PastOfAll)> done) const override;
    void find_incident(OutageId outage, std::function<void(core::Incident)> done) const override;
    [[nodiscard]] ports::LedgerStanding ledger() const override { return ports_.ledger.standing(); }
    [[nodiscard]] const core::HostCounters& counters() const override { return counters_; }
    void write_down_counts() const override;
    [[nodiscard]] const core::UnitCounters& counters_of(std::string_view unit) const override;
    [[nodiscard]] std::vector<std::string> probe_names(std::string_view unit) const override;
    [[nodiscard]] std::optional<core::ReleasesView> releases(std::string_view name) const override;
    [[nodiscard]] std::variant<core::DeployOutline, ports::Refusal>
    plan_deployment(const ports::RequestSpec& what) const override;
    std::variant<OperationId, ports::Refusal> request(const ports::RequestSpec& what,
                                                      Done done) override;
    [[nodiscard]] std::vector<core::OperationRecord> operations() const override;
    [[nodiscard]] std::optional<ports::Refusal> cancel(OperationId id,
                                                       const std::string& by) override;
    [[nodiscard]] std::optional<ports::Refusal>
    try_probes(const std::string& unit, std::optional<Slot> slot, Tried done) override;
    [[nodiscard]] std::vector<core::EventView> events_after(std::uint64_t after_id,
                                                            std::size_t limit) const override;
    [[nodiscard]] std::unique_ptr<Subscription>
    subscribe(std::function<void(const core::EventView&)> handler) override;

private:
    /// What the engine itself knows of one instance.
    struct Body {
        std::optional<SpawnId> spawn;     ///< the latest
        std::optional<SpawnId> hook;      ///< the same, of its hooks
        std::optional<MonoTime> ended_at; ///< of the last process, until the next one runs
        std::map<std::uint32_t, ports::AttemptId> probing; ///< by probe index
        std::string output_problem; ///< last thing said about its log, said once
    };

    // engine.cpp: the queue
    void post(core::HostEvent event);
    void post(InstanceId id, core::InstanceEvent event);
    void drain();
    void take(const core::HostEvent& event);
    void rearm();

    // actions.cpp: carrying out
    void carry_out();
    void act(InstanceId id, const core::InstanceAction& action);
    void spawn(InstanceId id, const core::Spawn& action);
    void run_hook(InstanceId id, const core::RunHook& action);
    void run_rung_hook(UnitId id, const core::RunRungHook& action);
    void run_probe(InstanceId id, const core::RunProbe& action);
    void cancel_probes(InstanceId id);
    [[nodiscard]] int output_of(InstanceId id);
    void go_on_reading(InstanceId id);

    // deploying.cpp: releases and deployments
    struct OwnStep {
        std::string name;
        std::string release;
        bool undoes = false;
    };
    void run_deploy_step(UnitId id, const core::RunDeployStep& action);
    void remove_release(UnitId id, const core::RemoveRelease& action);
    void link_release(UnitId id, const core::LinkRelease& action);
    void keep_deployment(UnitId id, const core::KeepDeployment& action);
    void run_helper(UnitId id, SpawnId spawn, std::vector<std::string> arguments);
    void run_own_step(UnitId id, SpawnId spawn, const OwnStep& which);
    void spawn_for_deployment(UnitId id, SpawnId spawn, ports::SpawnPlan plan);
    [[nodiscard]] std::vector<std::string> helper_arguments(UnitId id, core::DeployStepKind kind,
                                                            bool undoes) const;
    void hear_helper(UnitId id, SpawnId spawn);
    void follow_helper(UnitId id);
    void put_releases(UnitId id);
    void recover_releases(UnitId id);
    void find_releases(UnitId id);
    void add_progress(UnitId id, core::UnitView& view) const;
    [[nodiscard]] std::string release_of(InstanceId id) const;

    // tries.cpp: probes that a person asks for
    [[nodiscard]] ports::ProbeRequest request_for(InstanceId id, const units::ProbeSpec& probe);
    void begin_tries(const std::string& unit, const std::vector<InstanceId>& instances, Tried done);
    void break_off_tries();

    // notices.cpp: what processes say of themselves
    void hear();
    void heard(SpawnId spawn, const core::Notice& notice);
    void hear_out(InstanceId id, SpawnId spawn);
    void hear_pipes();
    [[nodiscard]] std::optional<Error> give_voice(InstanceId id, SpawnId spawn,
                                                  ports::SpawnPlan& plan);
    void keep_hearing();
    void await_line(InstanceId id, SpawnId spawn, ports::LogSink::Awaits awaits);
    void forget_notices(InstanceId id, SpawnId spawn);

    // telling.cpp: notes to log, events and counters
    void count(const core::HostStep& step);
    void tell(const core::HostNote& note);
    void tell(UnitId unit, const core::Note& note);
    bool tell_of_releases(UnitId unit, const core::Note& note);
    void say(UnitId unit, std::string subject, std::string kind, std::string text);
    void say_in_passing(UnitId unit, std::string kind, std::string text);
    void say_host(std::string text);
    void end_operations(const core::HostStep& step);
    void hear_of(const core::OperationRecord& record, Done done);
    [[nodiscard]] std::string subject(UnitId unit, Slot slot) const;

    // records.cpp: what goes to the ledger
    void hear_ledger();
    void keep_ended_outages(const core::HostStep& step);
    void keep_ended(const core::Outage& outage);
    void keep_open_outages(UnitId id);
    void go_on_with_records();
    void recall_what_was_up(const std::vector<UnitId>& fresh);
    [[nodiscard]] std::optional<OutageId> number_of_gap();
    void keep_all_outages();
    [[nodiscard]] std::vector<const core::Outage*> open_outages() const;
    void keep_spawn(const core::HostEvent& event, const core::HostStep& step);
    void keep_deployments(const core::HostStep& step);
    void keep_wanted(UnitId id);
    void keep_all_wanted();

    // last_words.cpp: what instances wrote before they failed
    struct Hearing;
    void hear_last_words(const core::HostStep& step);
    [[nodiscard]] std::shared_ptr<Hearing> begin_hearing(UnitId unit, Slot slot,
                                                         std::string failure);
    void hear_for(UnitId unit, const core::Outage& record);
    void hear_again(UnitId unit, const core::Outage& open);
    void keep_last_words(OutageId id, const core::LastWords& words);
    [[nodiscard]] core::LastWords last_words_of(OutageId id) const;
    void forget_last_words(OutageId id);
    void recover_last_words();

    // totals.cpp: what is counted, kept over boots
    enum class JournalOfBoot : std::uint8_t { there, gone };
    void recover_numbers(JournalOfBoot journal);
    void recover_counts();
    void recover_told(const std::string& record);
    void keep_counts(UnitId id);

    // adoption.cpp: journal and take-over
    void journal(const core::HostEvent& event, const core::HostStep& step);
    void journal_unit(UnitId id);
    void journal_host();
    void recover(const HostRecord& host);
    [[nodiscard]] std::vector<ports::Spawner::Survivor> recover_records();
    enum class LastEnd : std::uint8_t { in_order, cut_short }; ///< of keeld
    bool recover_unit(UnitId id, LastEnd last_end);
    void recover_hold(UnitId id);
    void keep_hold(UnitId id);
    void go_on(const std::vector<UnitId>& fresh);
    void forget_strangers();
    void adopt(const std::vector<ports::Spawner::Survivor>& survivors);
    void adopt_stray(const ports::Spawner::Survivor& survivor);
    /// Whether it is one, and nothing newer is known of that unit.
    bool adopt_stray_of_ladder(const ports::Spawner::Survivor& survivor);
    bool adopt_stray_of_deployment(const ports::Spawner::Survivor& survivor);
    void resolve_missing();
    void skip_spawn_ids(SpawnId used);

    // apply.cpp: another configuration
    [[nodiscard]] std::vector<ConfiguredUnit> in_force() const;
    [[nodiscard]] ConfigurationChange change_to(const std::vector<ConfiguredUnit>& units) const;
    [[nodiscard]] std::optional<ports::Refusal>
    what_is_in_the_way(const ConfigurationChange& change) const;
    void store();
    void stored(const Result<std::uint64_t>& generation);
    void revert(const std::string& unit, const std::string& why);
    void advance_rollout();
    void finish_apply();
    void put_in_force(const std::vector<ConfiguredUnit>& units, core::RolloutSpec::Trial trial);
    core::Respecified respecify(UnitId id, const ConfiguredUnit& wanted);
    UnitId add(const ConfiguredUnit& wanted);
    void make_room(UnitId id, const ConfiguredUnit& wanted);
    void forget_probes(UnitId id);
    void remove_left();
    void put_right();

    [[nodiscard]] core::PidOf pid_of() const;
    Body& body(InstanceId id) { return bodies_[number(id.unit)][id.slot - 1U]; }

    EnginePorts ports_;
    EngineOptions options_;
    core::Host host_;
    std::vector<Identity> identities_;
    std::vector<core::UnitCounters> unit_counters_;
    std::vector<std::vector<Body>> bodies_;
    core::HostCounters counters_;
    EventFeed feed_;
    std::mt19937_64 draws_;
    core::LateTurns late_turns_;

    std::deque<core::HostEvent> events_;
    std::deque<core::HostAction> actions_;
    enum class Draining : std::uint8_t { no, yes } draining_ = Draining::no;
    ports::Loop::Registration timer_;
    std::optional<MonoTime> timer_at_;
    unsigned spawns_this_turn_ = 0;
    enum class Resuming : std::uint8_t { no, yes } resuming_ = Resuming::no;

    std::unordered_map<std::uint64_t, InstanceId> owners_; ///< by spawn, of living processes
    std::unordered_map<std::uint64_t, ports::ProcessIdentity> processes_; ///< by spawn
    std::unordered_map<std::uint64_t, InstanceId> missing_; ///< by spawn: recovered, and neither
                                                            ///< found alive nor told ended so far
    std::uint64_t next_attempt_ = 1;
    std::map<std::string, std::vector<ports::AttemptId>> tries_; ///< by unit, until all answered
    OperationId next_operation_{1};
    OperationBook operations_;
    std::deque<core::Outage> ended_;                 ///< newest last
    std::map<OutageId, std::size_t> on_record_;      ///< open ones: how much of each was recorded
    std::map<OutageId, core::LastWords> last_words_; ///< of open ones and ended_
    std::map<UnitId, std::shared_ptr<Hearing>> hearings_;          ///< of the latest failure
    std::unordered_map<std::uint64_t, core::SpawnRecord> running_; ///< by spawn, of this engine
    std::map<UnitId, Now> wanted_since_;   ///< up, as far as this engine knows
    std::unique_ptr<ApplyUnderWay> apply_; ///< under way
    std::optional<core::Rollout> rollout_; ///< of that, or of one that was cut short
    std::map<UnitId, std::string> broken_; ///< that leave because their files cannot be used, why
    struct KeptReleases {
        std::string record;                      ///< as it was put last
        std::optional<core::Releases> at_rest{}; ///< of it, while nothing else was in it
    };
    std::map<UnitId, KeptReleases> kept_releases_;
    std::map<UnitId, ports::Loop::Registration> following_; ///< helpers that are at work
    std::function<void(int)> on_stopped_;
    std::string journaled_host_;
    std::optional<Now> last_seen_; ///< while it is found out what came to pass after that
    std::shared_ptr<int> alive_ =
        std::make_shared<int>(0); ///< answers that come too late see it gone
};

} // namespace keel::engine
