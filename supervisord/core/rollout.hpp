// A rollout: how units come to run what another configuration says, in which order, and whether it
// proves itself.
//
//   leaving    units that are no longer configured are stopped, those that need others first
//   rolling    then units that came start, and units whose processes are made from another recipe
//              restart, each once the units among them that it needs are in service; instances of
//              one unit one after the other, as with `keel restart`
//   proving    each has been ready for `proof` without a break since its turn was over
//
// A trial has failed at the first charged failure of something that is made as the unit has it now,
// or when a unit is not through in time. Units that are not wanted up, and oneshots that are done,
// do not count. Without a trial the same steps are taken, and then it has passed: what could not be
// restarted meanwhile, as an operation or a dependency stood in the way, its unit restarts as soon
// as it can (Unit::CatchesUp).
//
// Pure: it looks at the host, says which events come next, and needs to be asked again after each
// step and at its deadline. The specs have been replaced before (Host::respecify).
#pragma once
#include "core/host.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace keel::core {

struct RolloutSpec {
    std::vector<UnitId> changed; ///< another spec; restarted only where has_outdated() says so
    std::vector<UnitId> added;
    std::vector<UnitId> leaving;
    enum class Trial : std::uint8_t { no, yes } trial = Trial::yes;
    Duration proof = std::chrono::seconds(10);
    std::string by;  ///< of its operations: `apply by ann`
    std::string why; ///< of its operations
};

struct RolloutStep {
    std::vector<HostEvent> events; ///< to be taken now, in this order
    enum class Verdict : std::uint8_t { under_way, passed, failed } verdict = Verdict::under_way;
    std::string unit; ///< that failed
    std::string why;
};

class Rollout {
public:
    Rollout(const Host&, RolloutSpec);

    /// After every step of the host, with what it told.
    void note(const Host&, const HostStep&);

    /// What comes next. `operation`: the number of the next operation, should it begin some.
    [[nodiscard]] RolloutStep advance(const Host&, Now now, OperationId& operation);

    /// The same steps to their end, and nothing more is asked of the outcome.
    void end_trial();

    /// When advance() has to be called at the latest; none: only the host's steps move it.
    [[nodiscard]] std::optional<MonoTime> deadline() const { return deadline_; }

private:
    struct Item {
        enum class Stage : std::uint8_t { waiting, rolling, proving } stage = Stage::waiting;
        enum class Kind : std::uint8_t { changed, added } kind = Kind::changed;
        std::vector<UnitId> needs;     ///< other items, also by way of units that are none
        MonoTime since{};              ///< of `proving`
        std::optional<MonoTime> limit; ///< to be through with the stage
        OperationId operation{};       ///< of `rolling`
        std::string failure;
        bool was_given_up = false; ///< before its turn, and nothing of it is to restart
    };

    [[nodiscard]] bool leave(const Host&, MonoTime now, RolloutStep& out);
    void begin_turns(const Host&, MonoTime now, OperationId& operation, RolloutStep& out);
    void begin(const Host&, UnitId, Item&, MonoTime now, OperationId& operation, RolloutStep& out);
    void end_rolling(const Host&, UnitId, Item&, MonoTime now);
    [[nodiscard]] bool is_proved(const Host&, UnitId, const Item&, MonoTime now);
    void judge(const Host&, MonoTime now, RolloutStep& out);
    void leave_rest(const Host&, RolloutStep& out) const;
    void wake_at(MonoTime at);

    RolloutSpec spec_;
    std::map<UnitId, Item> items_;
    std::vector<UnitId> to_leave_; ///< not yet asked to
    std::optional<MonoTime> leave_limit_;
    std::optional<MonoTime> deadline_;
};

} // namespace keel::core
