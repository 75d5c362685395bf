// A reload: the process is told by a signal, or somebody else by a command, and goes on serving.
#include "base/text.hpp"
#include "core/instance_moves.hpp"

#include <fmt/format.h>

namespace keel::core {
namespace {

/// A program that says nothing of reloads is taken at its signal.
Duration patience(const Here& h)
{
    const bool has_begun = h.instance.said.phase == Phase::reloading;
    return has_begun ? h.spec.start.timeout : reload_patience;
}

InstanceStep reload(Here& h, SpawnId spawn)
{
    using units::Hook;
    if (!units::has_hook(h.spec, Hook::reload)) {
        h.actions.emplace_back(Signal{spawn, h.spec.reload.signal});
        if (units::hears_notices(h.spec)) h.instance.reload_by = h.now() + reload_patience;
        return stay(h, "reload wanted");
    }
    if (h.instance.hook) {
        h.hook_failed = fmt::format("reload: {} still runs", name(h.instance.hook->hook));
        return stay(h, h.hook_failed);
    }
    begin_hook(h, Hook::reload);
    return stay(h, "reload wanted");
}

} // namespace

InstanceStep on(Here& h, const Ready& s, const ReloadWanted&) { return reload(h, s.spawn); }
InstanceStep on(Here& h, const Unready& s, const ReloadWanted&) { return reload(h, s.spawn); }

void heed_reload(Here& h, const Notice& notice)
{
    if (!h.instance.reload_by) return;
    if (notice.phase == Phase::reloading) await_reload_anew(h);
    if (notice.phase == Phase::ready) h.instance.reload_by.reset();
}

void await_reload_anew(Here& h)
{
    if (h.instance.reload_by) h.instance.reload_by = h.now() + patience(h);
}

std::string end_overdue_reload(Here& h)
{
    if (!h.instance.reload_by || h.now() < *h.instance.reload_by) return {};
    h.instance.reload_by.reset();
    if (h.instance.said.phase != Phase::reloading) return "told to reload, it said nothing of it";
    h.hook_failed = fmt::format("reload: no READY=1 within {}", to_text(h.spec.start.timeout));
    return h.hook_failed;
}

} // namespace keel::core
