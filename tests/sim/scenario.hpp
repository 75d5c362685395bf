// What a world is like: its units, and how often which fault comes. Everything from one seed.
//
// Swarm testing: each kind of fault is absent from about half of all worlds and its strength varies
// by orders of magnitude, so that also what rare combinations need comes up.
#pragma once
#include "core/host.hpp"
#include "tests/sim/rng.hpp"

namespace keel::sim {

/// How the processes of one unit behave while there are faults.
struct Temper {
    double spawn_fails = 0;
    double lacks_descriptors = 0;
    double hangs = 0;        ///< never becomes ready
    double crashes_soon = 0; ///< within a second
    double crashes = 0;      ///< within crash_scale
    Duration crash_scale{0};
    double ends_cleanly = 0; ///< of those ends: with success
    double ignores_term = 0;
    double leaves_children = 0;
    double hooks_fail = 0;
    double hooks_hang = 0;   ///< never end by themselves
    Duration ready_after{0}; ///< at most
};

struct Weights {
    // one in so much time, on average; 0: never
    Duration operator_every{0};
    Duration apply_every{0};    ///< of another configuration; of the whole engine only
    Duration death_every{0};    ///< of the engine
    Duration sickness_every{0}; ///< a process fails its probes for a while
    Duration mass_crash_every{0};
    Duration wall_step_every{0};
    Duration meddle_every{0};
    // chances
    double lies = 0; ///< a probe answers the opposite of the truth
    double unknowns = 0;
    double stalls = 0; ///< the loop stands still while a probe is asked
    double meddles = 0;
    double shuffles = 0;
    double mutes = 0;        ///< what a process says of itself is lost
    double cuts_journal = 0; ///< at a death: loses more than the last record
    double dies_midway = 0;  ///< at a death: between two calls of the ports
    double logs_fail = 0;
    // sizes
    Duration lateness{0};       ///< of timers
    Duration report_latency{0}; ///< of ends
    Duration sickness_lasts{0};
};

struct Scenario {
    std::vector<units::UnitSpec> specs;
    std::vector<Temper> tempers; ///< by unit
    core::HostOptions host;
    Weights weights;
    Duration lasts{0}; ///< the phase with faults, in which storms and quiet spells take turns
    Duration storm{0}; ///< at most; the first one begins at once
    Duration quiet{0}; ///< at most
    enum class Ends : std::uint8_t { running, shut_down } ends = Ends::running;
    enum class SickRecover : std::uint8_t { no, yes } sick_recover = SickRecover::no;
};

enum class Size : std::uint8_t { core, engine };

Scenario make_scenario(Rng& rng, Size size);

/// What it requires and what it is bound to.
std::vector<std::string> needs_of(const units::UnitSpec& spec);

/// By when, after the faults have stopped, everything must be ready that can be.
Duration recovery_bound(const Scenario& scenario);
/// How long stopping everything may take.
Duration stop_bound(const Scenario& scenario);

} // namespace keel::sim
