// People around the host: who may look and steer, and who is told. Wiring of what keel.toml says of
// them; the channels and sessions themselves are notify's and control's.
#pragma once
#include "control/web_access.hpp"
#include "notify/notifier.hpp"
#include "sys/paths.hpp"
#include "sys/twofold_journal.hpp"
#include "units/daemon_spec.hpp"

#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>

namespace keel {

/// A group's number; a name that is not known gives nobody a role.
[[nodiscard]] std::optional<gid_t> group_named(const std::string& name);

/// Who may look over TCP. The sessions of browsers outlive an engine as units do.
[[nodiscard]] control::WebAccess::Options web_access_options(const units::DaemonSpec& spec,
                                                             ports::StateJournal& journal);

/// The notifier, and what it has told and not been able to tell yet.
struct PeopleTold {
    PeopleTold(ports::Loop& loop, ports::Spawner& spawner, std::function<SpawnId()> take_spawn_id,
               const sys::Paths& paths);

    sys::TwofoldJournal kept;
    notify::Notifier notifier;
};

} // namespace keel
