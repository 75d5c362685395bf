// Which hooks ran around the starts and stops of each instance, held against what section 2 of
// PRODUCT says of them: `start.pre` before every process, `start.post` once it is ready,
// `stop.pre` before it is asked to end, `stop.post` once nothing of it lives.
#pragma once
#include "base/ids.hpp"
#include "core/process.hpp"
#include "tests/sim/violation.hpp"
#include "units/spec.hpp"

#include <map>
#include <set>

namespace keel::sim {

class HookWatch {
public:
    using Hook = units::Hook;
    using UnitSpec = units::UnitSpec;

    /// A process of the instance's own begins.
    void main_began(InstanceId id, const UnitSpec& spec)
    {
        Its& its = all_[id];
        if (!has_hook(spec, Hook::start_pre)) begin_attempt(its, spec);
        if (has_hook(spec, Hook::start_pre) && !its.prepared)
            violated(spec.name + " is started and its start.pre has not ended well");
        its.prepared = its.was_excused = false;
        its.owes_post = true;
    }
    /// It could not even begin; for want of descriptors it is tried again, and `start.pre` with it.
    void main_failed(InstanceId id) { all_[id].owes_post = false; }
    /// `main`: the latest process of the instance's own, if there was one.
    void hook_began(InstanceId id, const UnitSpec& spec, Hook hook, std::optional<SpawnId> main)
    {
        Its& its = all_[id];
        if (hook == Hook::start_pre) {
            begin_attempt(its, spec);
            its.owes_post = true;
            its.prepared = false;
        }
        try_hook(id, hook, main);
    }
    /// Begun, or not even that.
    void try_hook(InstanceId id, Hook hook, std::optional<SpawnId> main)
    {
        Its& its = all_[id];
        if (hook == Hook::stop_post) its.owes_post = false;
        if (hook == Hook::stop_pre && main) its.told_to_stop = *main;
        if (hook == Hook::start_post && main) its.told_ready = *main;
    }
    void hook_ended(InstanceId id, Hook hook, const core::ExitStatus& status)
    {
        if (hook == Hook::start_pre && status == core::ExitStatus{}) all_[id].prepared = true;
    }
    void main_signalled(InstanceId id, const UnitSpec& spec, SpawnId main)
    {
        if (has_hook(spec, Hook::stop_pre) && all_[id].told_to_stop != main)
            violated(spec.name + " is asked to end before its stop.pre");
    }
    /// It has been ready for a while.
    void main_is_ready(InstanceId id, const UnitSpec& spec, SpawnId main)
    {
        const Its& its = all_[id];
        if (has_hook(spec, Hook::start_post) && its.told_ready != main && !its.was_excused)
            violated(spec.name + " is ready and its start.post was never run");
    }
    /// Nothing of it is to run any more.
    void all_over(InstanceId id, const UnitSpec& spec)
    {
        if (has_hook(spec, Hook::stop_post) && all_[id].owes_post)
            violated(spec.name + " is gone and its stop.post was never run");
    }
    /// A person holds it as it is: no hook is begun.
    void excuse(InstanceId id)
    {
        all_[id].owes_post = false;
        all_[id].was_excused = true;
    }
    void forget() { all_.clear(); }

private:
    struct Its {
        bool prepared = false;  ///< start.pre has ended well, and nothing was started since
        bool owes_post = false; ///< something of an attempt ran, and stop.post did not since
        bool was_excused = false;
        SpawnId told_to_stop{};
        SpawnId told_ready{};
    };
    static void begin_attempt(const Its& its, const UnitSpec& spec)
    {
        if (has_hook(spec, Hook::stop_post) && its.owes_post)
            violated(spec.name + " is started again before its stop.post");
    }

    std::map<InstanceId, Its> all_;
};

} // namespace keel::sim
