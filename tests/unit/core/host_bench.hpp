// A bench for the host machine: units by name, every spawn obeyed only when the test says so.
#pragma once
#include "core/host.hpp"
#include "tests/unit/core/machines.hpp"

#include <memory>
#include <string>
#include <vector>

namespace keel::core {

inline units::UnitSpec unit_named(std::string name, std::vector<std::string> needs = {},
                                  std::vector<std::string> follows = {})
{
    units::UnitSpec spec;
    spec.name = std::move(name);
    spec.requires_units = std::move(needs);
    spec.after = std::move(follows);
    spec.restart.jitter = 0;
    return spec;
}

struct Bench {
    std::unique_ptr<Host> host;
    HostInputs in{{MonoTime{1000s}, WallTime{1'700'000'000s}}, 0};
    HostStep last;
    std::vector<std::string> spawned; ///< names, in the order of the Spawn actions
    std::vector<std::string> signalled;

    explicit Bench(std::vector<units::UnitSpec> specs, HostOptions options = {})
        : host(std::make_unique<Host>(std::move(specs), options))
    {}
    [[nodiscard]] UnitId id(std::string_view name) const { return host->find(name).value(); }
    [[nodiscard]] const Instance& instance(std::string_view name, Slot slot = 1) const
    {
        return host->unit(id(name)).instances.at(slot - 1U);
    }
    [[nodiscard]] std::string_view state(std::string_view name, Slot slot = 1) const
    {
        return state_name(instance(name, slot).state);
    }
    [[nodiscard]] std::string why(std::string_view name) const { return instance(name).reason; }

    const HostStep& apply(const HostEvent& event)
    {
        last = host->step(event, in);
        for (const HostAction& done : last.actions) {
            const std::string& name = host->spec(done.instance.unit).name;
            if (std::holds_alternative<Spawn>(done.action)) spawned.push_back(name);
            if (std::holds_alternative<Signal>(done.action)) signalled.push_back(name);
        }
        return last;
    }
    void tell(std::string_view name, InstanceEvent event, Slot slot = 1)
    {
        apply(ForUnit{id(name), ForInstance{slot, std::move(event)}});
    }
    [[nodiscard]] SpawnId spawn(std::string_view name, Slot slot = 1) const
    {
        return spawn_of(instance(name, slot).state).value_or(SpawnId{});
    }
    void runs(std::string_view name, Slot slot = 1)
    {
        tell(name, Spawned{spawn(name, slot)}, slot);
    }
    void exits(std::string_view name, Slot slot = 1, int code = 1)
    {
        tell(name, ProcessExited{spawn(name, slot), exit_code(code), TreeState::empty}, slot);
    }
    void asks(Verb verb, std::string_view name)
    {
        apply(Request{id(name), Asked{OperationId{1}, verb, "ann", "", {}}});
    }
    void pass(Duration d)
    {
        in.now.mono += d;
        in.now.wall += d;
    }
    void tick()
    {
        pass(std::max(Duration{0}, host->deadline().value_or(in.now.mono) - in.now.mono));
        apply(HostTick{});
    }
    void boot_all()
    {
        apply(HostBooted{});
        for (const UnitId unit : host->start_order())
            for (Slot slot = 1; slot <= host->spec(unit).instances; ++slot)
                if (state(host->spec(unit).name, slot) == "starting")
                    runs(host->spec(unit).name, slot);
    }
};

} // namespace keel::core
