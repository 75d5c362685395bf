// What the probes of each spawn have said, counted as section 3 of PRODUCT has it and no cleverer:
// `successes` passes in a row make a probe pass, `failures` fails in a row make it fail, unknown
// counts for nothing, and each spawn starts afresh.
#pragma once
#include "core/verdict.hpp"
#include "units/spec.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace keel::sim {

class ProbeWatch {
public:
    using ProbeSpec = units::ProbeSpec;

    void said(const units::UnitSpec& spec, unsigned slot, const ProbeSpec& probe,
              core::Verdict verdict)
    {
        Run& run = runs_[key(spec, slot, probe)];
        if (verdict == core::Verdict::pass) run = {run.passes + 1, 0, run.passing};
        if (verdict == core::Verdict::fail) run = {0, run.fails + 1, run.passing};
        if (run.passes >= probe.successes) run.passing = true;
        if (run.fails >= probe.failures) run.passing = false;
    }
    void forget(const units::UnitSpec& spec, unsigned slot)
    {
        for (const auto& probe : spec.probes)
            runs_.erase(key(spec, slot, probe));
    }
    /// Whether some probe of that role has failed often enough in a row.
    [[nodiscard]] bool has_failed(const units::UnitSpec& spec, unsigned slot,
                                  bool units::ProbeRoles::*role) const
    {
        return std::ranges::any_of(spec.probes, [&](const ProbeSpec& probe) {
            return probe.role.*role && run(spec, slot, probe).fails >= probe.failures;
        });
    }
    /// Whether every probe that gates readiness passes.
    [[nodiscard]] bool has_passed(const units::UnitSpec& spec, unsigned slot) const
    {
        return std::ranges::all_of(spec.probes, [&](const ProbeSpec& probe) {
            const bool gates = probe.role.startup || probe.role.readiness;
            return !gates || run(spec, slot, probe).passing;
        });
    }

private:
    struct Run {
        unsigned passes = 0;
        unsigned fails = 0;
        bool passing = false;
    };
    static std::string key(const units::UnitSpec& spec, unsigned slot, const ProbeSpec& probe)
    {
        return spec.name + ":" + std::to_string(slot) + ":" + probe.name;
    }
    [[nodiscard]] Run run(const units::UnitSpec& spec, unsigned slot, const ProbeSpec& probe) const
    {
        const auto found = runs_.find(key(spec, slot, probe));
        return found == runs_.end() ? Run{} : found->second;
    }

    std::map<std::string, Run> runs_;
};

} // namespace keel::sim
