// The whole engine on fake ports, watched through the events that it tells to everyone.
#include "tests/sim/brain.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace keel::sim {
namespace {

std::vector<engine::ConfiguredUnit> configured(const std::vector<units::UnitSpec>& specs)
{
    std::vector<engine::ConfiguredUnit> all;
    for (const units::UnitSpec& spec : specs)
        all.push_back({spec, {}, {}});
    return all;
}

class EngineBrain final : public Brain {
public:
    EngineBrain(const BrainPorts& ports, const BrainOptions& options, Observer& observer)
        : ports_(ports), observer_(observer),
          engine_({ports.loop, ports.kernel, ports.prober, ports.logs, ports.journal, ports.holds,
                   ports.totals, ports.ledger, ports.notices, ports.ready_pipes, ports.releases},
                  configured(options.specs), {options.host, "/run/keel/units", options.seed, 1})
    {
        ports_.kernel.set_handlers(
            {.on_exit = [this](SpawnId id, core::ExitStatus status,
                               core::TreeState tree) { engine_.process_exited(id, status, tree); },
             .on_tree_empty = [this](SpawnId id) { engine_.tree_emptied(id); }});
        engine_.on_stopped([this](int code) { exit_code_ = code; });
        subscription_ = engine_.subscribe([this](const core::EventView& event) { hear(event); });
    }

    void start() override
    {
        engine_.start();
        for (const core::OutageView& view : engine_.outages())
            if (view.record.closed) seen_.insert(number(view.record.id));
    }
    void shut_down() override { engine_.shut_down("the world ends"); }
    std::optional<OperationId> request(UnitId unit, core::Verb verb, std::optional<Slot> slot,
                                       core::HoldTerms terms) override
    {
        const auto answer = engine_.request(
            {host().spec(unit).name, verb, slot, "ann", "", terms},
            [this](const core::OperationResult& result) { observer_.answered(result.id); });
        if (const auto* id = std::get_if<OperationId>(&answer)) return *id;
        return std::nullopt;
    }
    void cancel(UnitId, OperationId id) override
    {
        if (const auto refusal = engine_.cancel(id, "bob"))
            violated("a cancellation is refused: " + refusal->text);
    }
    bool apply(const BrainApply& wanted, const engine::ApplyDone& done) override
    {
        engine::ApplyOrder order;
        order.units = configured(wanted.specs);
        order.by = "ann";
        order.if_it_fails = wanted.if_it_fails;
        order.store = wanted.store;
        return !engine_.apply(std::move(order), done);
    }
    void stalled(Duration by) override { engine_.note_turn(by); }
    [[nodiscard]] const core::Host& host() const override { return engine_.host(); }
    void turn_over() override
    {
        if (std::exchange(records_changed_, false)) look_for_closed();
        observer_.step_over(Observer::Cause::event);
        if (const auto code = std::exchange(exit_code_, std::nullopt)) observer_.all_stopped(*code);
    }

private:
    void hear(const core::EventView& event);
    void hear_state(InstanceId id, std::string_view text);
    void hear_rung_hook(UnitId id, std::string_view text);
    [[nodiscard]] InstanceId instance(const core::EventView& event) const;
    void look_for_closed();
    void check_ledger(const core::Outage& told) const;

    BrainPorts ports_;
    Observer& observer_;
    engine::Engine engine_;
    std::unique_ptr<ports::Supervisor::Subscription> subscription_;
    std::optional<int> exit_code_;
    bool records_changed_ = false;
    std::set<std::uint64_t> seen_; ///< closed records that were told of
};

InstanceId EngineBrain::instance(const core::EventView& event) const
{
    InstanceId id{host().find(event.unit).value(), 1};
    if (const auto dot = event.subject.find('.'); dot != std::string::npos)
        (void)std::from_chars(event.subject.data() + dot + 1,
                              event.subject.data() + event.subject.size(), id.slot);
    return id;
}

/// `starting -> ready (probe tcp: connected in 1 ms)`; lines without an arrow tell of no move.
void EngineBrain::hear_state(InstanceId id, std::string_view text)
{
    constexpr std::string_view arrow = " -> ";
    const auto at = text.find(arrow);
    const auto open = text.find(" (");
    if (text.starts_with("still ") || at == std::string_view::npos || open < at) return;
    const auto to = text.substr(at + arrow.size(), open - at - arrow.size());
    observer_.moved(id, text.substr(0, at), to, text.substr(open + 2, text.size() - open - 3));
}

/// `run:page failed after 2 s: exit 1`.
void EngineBrain::hear_rung_hook(UnitId id, std::string_view text)
{
    using enum core::HookResult;
    const auto says = [&](std::string_view what) { return text.find(what) != text.npos; };
    observer_.rung_hook_ended(id, says(" failed after ")       ? failed
                                  : says(" was broken off ")   ? broken_off
                                  : says(", so it runs again") ? unseen
                                                               : done);
}

void EngineBrain::hear(const core::EventView& event)
{
    if (event.unit.empty()) return;
    const InstanceId id = instance(event);
    if (event.kind == "state")
        hear_state(id, event.text);
    else if (event.kind == "failure")
        observer_.failed(id,
                         event.text.ends_with("(not charged to the budget)")
                             ? Observer::Charge::free
                             : Observer::Charge::charged,
                         std::nullopt);
    else if (event.kind == "hook" && event.text.starts_with("run:"))
        hear_rung_hook(id.unit, event.text);
    else if (event.kind == "rung" && event.text.starts_with("ladder "))
        observer_.climbed(id.unit);
    else if (event.kind == "rung" && event.text.starts_with("back to"))
        observer_.descended(id.unit);
    else if (event.kind == "rung")
        observer_.exit_wanted();
    else if (event.kind == "operation" && event.text.find(" asked for by ") == std::string::npos)
        observer_.operation_ended(id.unit);
    else if (event.kind == "hold" && event.text.ends_with("its time is over"))
        observer_.hold_ended(id.unit);
    else if (event.kind == "outage")
        records_changed_ = true;
    else if (event.kind == "keeld")
        observer_.frozen(id.unit, event.text);
}

void EngineBrain::look_for_closed()
{
    auto views = engine_.outages();
    std::ranges::reverse(views);
    for (const core::OutageView& view : views)
        if (view.record.closed && seen_.insert(number(view.record.id)).second)
            observer_.outage_closed(view.record);
    for (const core::OutageView& view : views)
        check_ledger(view.record);
}

/// Memory and ledger tell the same of a record.
void EngineBrain::check_ledger(const core::Outage& told) const
{
    const core::Outage* kept = ports_.ledger.latest(told.id);
    const auto complain = [&](std::string_view what) {
        violated(fmt::format("the ledger {} outage {} of {}", what, number(told.id), told.unit));
    };
    if (kept == nullptr) return complain("knows nothing of");
    const core::Outage& record = *kept;
    if (record.closed.has_value() != told.closed.has_value())
        return complain(told.closed ? "does not know the end of" : "has ended too early");
    if (told.closed && told.closed->mono != record.closed->mono)
        return complain("knows another end of");
    if (record.actions.size() != told.actions.size())
        return complain("does not know all that was tried in");
}

} // namespace

std::unique_ptr<Brain> make_engine_brain(const BrainPorts& ports, const BrainOptions& options,
                                         Observer& observer)
{
    return std::make_unique<EngineBrain>(ports, options, observer);
}

} // namespace keel::sim
