// The thing under test, in two sizes: core::Host alone, or the whole engine around it.
//
// Both act through the same fake ports and are watched by the same Observer, so one world, one set
// of promises and one set of oracles serves both. The small one is what makes a hundred thousand
// hours affordable; the large one proves that the engine keeps what the core promises.
#pragma once
#include "core/host.hpp"
#include "engine/engine.hpp"
#include "tests/sim/fake_kernel.hpp"
#include "tests/sim/fake_ledger.hpp"
#include "tests/sim/fake_notices.hpp"
#include "tests/sim/fake_ports.hpp"
#include "tests/sim/fake_ready_pipes.hpp"
#include "tests/sim/fake_release_store.hpp"

#include <memory>
#include <string_view>

namespace keel::sim {

/// Told of everything that the brain decides, in order.
class Observer {
public:
    virtual ~Observer() = default;
    virtual void moved(InstanceId, std::string_view from, std::string_view to,
                       std::string_view reason) = 0;
    enum class Charge : std::uint8_t { free, charged };
    /// The cause is not told by the large brain.
    virtual void failed(InstanceId, Charge, std::optional<core::StartCause>) = 0;
    virtual void climbed(UnitId) = 0;
    virtual void rung_hook_ended(UnitId, core::HookResult) = 0;
    virtual void descended(UnitId) = 0;
    virtual void outage_closed(const core::Outage&) = 0;
    virtual void operation_ended(UnitId) = 0;
    /// By itself: its time was over.
    virtual void hold_ended(UnitId) = 0;
    /// The answer that whoever asked is given, by number.
    virtual void answered(OperationId) = 0;
    virtual void exit_wanted() = 0;
    virtual void frozen(UnitId, std::string_view what) = 0;
    /// A step (core) or a turn (engine) is over; what it wanted done is done.
    enum class Cause : std::uint8_t { event, tick };
    virtual void step_over(Cause) = 0;
    virtual void all_stopped(int exit_code) = 0;
    virtual void trace(std::string_view line) = 0;
    [[nodiscard]] virtual bool is_tracing() const = 0;
};

struct BrainPorts {
    FakeLoop& loop;
    FakeKernel& kernel;
    FakeProber& prober;
    FakeLogs& logs;
    FakeJournal& journal;
    FakeJournal& holds;  ///< kept over boots
    FakeJournal& totals; ///< the same
    FakeLedger& ledger;
    FakeNotices& notices;
    FakeReadyPipes& ready_pipes;
    FakeReleaseStore& releases;
    Rng& rng;
};

struct BrainOptions {
    std::vector<units::UnitSpec> specs;
    core::HostOptions host;
    std::uint64_t seed = 0;
    double meddles = 0; ///< core only: chance that an event comes late, twice, or out of order
};

/// Another configuration, as a whole.
struct BrainApply {
    std::vector<units::UnitSpec> specs;
    engine::ApplyOrder::IfItFails if_it_fails = engine::ApplyOrder::IfItFails::revert;
    std::function<void(engine::ApplyOrder::Stored)> store;
};

class Brain {
public:
    virtual ~Brain() = default;
    /// Boots, or goes on where the last brain ended.
    virtual void start() = 0;
    virtual void shut_down() = 0;
    /// The number of the request if it was taken.
    virtual std::optional<OperationId> request(UnitId unit, core::Verb verb,
                                               std::optional<Slot> slot, core::HoldTerms terms) = 0;
    /// Takes back what is under way on the unit, which may be over by then.
    virtual void cancel(UnitId unit, OperationId id) = 0;
    /// Whether it was taken. The small brain takes none.
    virtual bool apply(const BrainApply&, const engine::ApplyDone&) { return false; }
    [[nodiscard]] virtual const core::Host& host() const = 0;
    /// The turn that is about to end has taken so long.
    virtual void stalled(Duration) = 0;
    /// Called by the world after every turn of the loop.
    virtual void turn_over() = 0;
    /// Core only: a tick that nobody asked for, an old event that comes again.
    virtual void meddle() {}
};

/// What the small brain keeps over its own death; the large one has the journal.
struct CoreMemory {
    std::vector<core::Unit> units;
    core::Host::Counters counters;
    OperationId next_operation{1};
};

std::unique_ptr<Brain> make_core_brain(const BrainPorts&, const BrainOptions&, CoreMemory&,
                                       Observer&);
std::unique_ptr<Brain> make_engine_brain(const BrainPorts&, const BrainOptions&, Observer&);

} // namespace keel::sim
