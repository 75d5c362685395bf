// Views in words: what a unit or an instance is doing, since when, and what comes next.
#pragma once
#include "cli/table.hpp"
#include "core/views.hpp"

#include <string>

namespace keel::cli {

Tone tone_of(core::UnitStatus status);
Tone tone_of_state(std::string_view state);

/// `12 s`, `2 h 5 min`; nothing for a time that was never set.
std::string age(WallTime since, WallTime now);

/// What is up with an instance that is not simply ready: its reason, and what comes next and when.
std::string note_of(const core::InstanceView& instance, WallTime now);

/// `worker is degraded, and has been for 42 s; 1 of 2 instances are ready, 1 needed`
std::string standing_of(const core::UnitView& unit, WallTime now, Colour colour);

/// What is done to the unit, or who holds it, for how long and why; empty if nobody does.
std::string intervention_of(const core::UnitView& unit, WallTime now);

/// `release v1, which is good`; empty: it has none.
std::string release_of(const core::UnitView& unit);

/// `deployment of v2 by ann, for 12 s: fetch, 12.0 MiB of 500.0 MiB`; empty: none is under way.
std::string deployment_of(const core::UnitView& unit, WallTime now);

/// That its files say something else than what is in force; empty: they do not.
std::string change_of(const core::UnitView& unit);

/// The same for the unit, in one line: who holds it, what is done to it, or what its worst instance
/// waits for, or what has changed on the disk. Empty if all is well.
std::string note_of(const core::UnitView& unit, WallTime now);

/// What is wanted of the unit: one of core::wanted_names.
bool is_wanted_up(const core::UnitView& unit);
bool is_held(const core::UnitView& unit);

/// Whether a person would call the unit up: ready by its own rules, or done.
bool is_well(const core::UnitView& unit);

/// `passes: 200 in 3 ms`, `fail (refused): connect: Connection refused`
std::string probe_note(const core::ProbeView& probe);

/// `3 s`; of an outage whose beginning nobody saw `at most 3 s`, of one whose end, `at least 3 s`.
std::string lasted(const core::OutageView& outage);

/// `09:15:02.482`; where nobody saw it, `…, or later: that is when Keel last saw it ready`.
std::string began(const core::Outage& outage, WallTime now);

/// `09:15:12.482`, `not yet`; where nobody saw it, `…, or later: Keel was away by then`. How it
/// ended is not on record: a unit need not be ready when it is not wanted.
std::string ended(const core::Outage& outage, WallTime now);

/// What was down: the unit, or Keel itself.
std::string subject_of(const core::Outage& outage);

/// What a person or a process said, with nothing in it that steers a terminal.
std::string shown_of(std::string_view text);

/// `2025-01-31 09:15:02.482`, or only the time if it was today; in the local time zone.
std::string local_time(WallTime at, WallTime now);

} // namespace keel::cli
