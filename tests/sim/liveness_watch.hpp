// Kills for liveness, held against section 3 of PRODUCT: not while the loop itself was late by more
// than the probe's timeout, not more than half of a unit's instances at once, not without a token
// of the storm brake; and each of these for at most a minute.
#pragma once
#include "base/ids.hpp"
#include "base/time.hpp"
#include "core/verdict.hpp"
#include "tests/sim/violation.hpp"
#include "units/spec.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace keel::sim {

class LivenessWatch {
public:
    static constexpr Duration longest = std::chrono::minutes(1);

    /// The loop stood still for so long until now.
    void stalled(MonoTime now, Duration by)
    {
        std::erase_if(stalls_, [&](const Stall& stall) { return stall.at + 2 * longest < now; });
        stalls_.push_back({now, by});
    }
    void asked(InstanceId id, const std::string& probe, MonoTime now)
    {
        probes_[{id, probe}].asked_at = now;
    }
    /// `suspended`: failures of liveness do not count.
    void said(InstanceId id, const units::ProbeSpec& probe, core::Verdict verdict, bool suspended,
              MonoTime now)
    {
        Run& run = probes_[{id, probe.name}];
        if (verdict == core::Verdict::pass || suspended) run = {run.asked_at, 0, std::nullopt};
        if (verdict != core::Verdict::fail || suspended) return;
        if (++run.fails >= probe.failures && !run.due_since) run.due_since = now;
    }
    /// It is killed because of its liveness. `has_token`: of the storm brake.
    void killed(InstanceId id, const units::UnitSpec& spec, bool has_token, MonoTime now)
    {
        bool is_justified = false;
        bool is_known = false;
        for (const auto& probe : spec.probes) {
            const Run& run = probes_[{id, probe.name}];
            if (!probe.role.liveness || !run.due_since) continue;
            is_known = true;
            const bool late = worst_since(run.asked_at) > probe.timeout;
            const bool crowded = away_beside(id) >= std::max(1, spec.instances / 2);
            is_justified =
                is_justified || now >= *run.due_since + longest || (!late && !crowded && has_token);
        }
        if (is_known && !is_justified)
            violated(spec.name + " is killed for its liveness, and something spoke against it");
        away_.insert(id);
    }
    /// It serves again, rests, or is away for another reason.
    void back(InstanceId id) { away_.erase(id); }
    void back(UnitId unit)
    {
        std::erase_if(away_, [&](InstanceId id) { return id.unit == unit; });
    }
    /// It is ready for the first time: what was said of its start does not count.
    void began(InstanceId id)
    {
        for (auto& [key, run] : probes_)
            if (key.first == id) run = {run.asked_at, 0, std::nullopt};
    }
    /// A spawn begins.
    void forget(InstanceId id)
    {
        std::erase_if(probes_, [&](const auto& entry) { return entry.first.first == id; });
    }
    /// The next engine begins everything anew.
    void forget()
    {
        probes_.clear();
        away_.clear();
    }
    /// In service. What is due is done in time, or comes to nothing where liveness is suspended.
    void serves(InstanceId id, const units::UnitSpec& spec, bool suspended, Duration slack,
                MonoTime now)
    {
        for (const auto& probe : spec.probes) {
            const auto found = probes_.find({id, probe.name});
            if (!probe.role.liveness || found == probes_.end() || !found->second.due_since)
                continue;
            Run& run = found->second;
            if (suspended && now >= *run.due_since + longest) run = {run.asked_at, 0, std::nullopt};
            if (!suspended && now > *run.due_since + longest + slack)
                violated(spec.name + " fails its liveness and is left running");
        }
    }

private:
    struct Stall {
        MonoTime at;
        Duration by;
    };
    struct Run {
        MonoTime asked_at{};
        unsigned fails = 0;
        std::optional<MonoTime> due_since{};
    };
    [[nodiscard]] Duration worst_since(MonoTime then) const
    {
        Duration worst{0};
        for (const Stall& stall : stalls_)
            if (stall.at >= then) worst = std::max(worst, stall.by);
        return worst;
    }
    [[nodiscard]] int away_beside(InstanceId id) const
    {
        return static_cast<int>(std::ranges::count_if(
            away_, [&](InstanceId other) { return other.unit == id.unit && other != id; }));
    }

    std::vector<Stall> stalls_;
    std::map<std::pair<InstanceId, std::string>, Run> probes_;
    std::set<InstanceId> away_;
};

} // namespace keel::sim
