// What the processes of each instance have said of themselves, and what of it was told: enough to
// say whether Keel's silence or its haste is justified.
#pragma once
#include "core/notice.hpp"
#include "tests/sim/violation.hpp"

#include <map>

namespace keel::sim {

class Voices {
public:
    /// A new process of the instance, which has said nothing.
    void born(InstanceId id, SpawnId spawn) { voices_[id] = Voice{.spawn = spawn}; }

    /// Not lost on its way.
    void said(InstanceId id, SpawnId spawn, const core::Notice& notice, MonoTime now)
    {
        Voice* voice = of(id, spawn);
        if (voice == nullptr) return;
        if (notice.phase == core::Phase::ready) voice->ready_said = true;
        if (notice.life == core::Notice::Life::sign) voice->life_said_at = now;
    }
    void told(SpawnId spawn, const core::Notice& notice, MonoTime now)
    {
        for (auto& [id, voice] : voices_) {
            if (voice.spawn != spawn) continue;
            if (notice.phase == core::Phase::ready) voice.ready_told = true;
            if (notice.life == core::Notice::Life::sign) voice.life_told_at = now;
        }
    }

    [[nodiscard]] bool has_said_ready(InstanceId id) const { return get(id).ready_said; }
    [[nodiscard]] bool ready_was_told(InstanceId id) const { return get(id).ready_told; }
    [[nodiscard]] MonoTime life_said_at(InstanceId id) const { return get(id).life_said_at; }
    [[nodiscard]] MonoTime life_told_at(InstanceId id) const { return get(id).life_told_at; }

private:
    struct Voice {
        SpawnId spawn{};
        bool ready_said = false;
        bool ready_told = false;
        MonoTime life_said_at{};
        MonoTime life_told_at{};
    };
    Voice* of(InstanceId id, SpawnId spawn)
    {
        const auto found = voices_.find(id);
        return found == voices_.end() || found->second.spawn != spawn ? nullptr : &found->second;
    }
    [[nodiscard]] Voice get(InstanceId id) const
    {
        const auto found = voices_.find(id);
        return found == voices_.end() ? Voice{} : found->second;
    }

    std::map<InstanceId, Voice> voices_;
};

} // namespace keel::sim
