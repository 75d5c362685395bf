// Where a unit's output goes: one FIFO per instance, drained into its log file.
#pragma once
#include "base/ids.hpp"
#include "base/result.hpp"
#include "core/outage.hpp"
#include "ports/spawner.hpp"
#include "units/spec.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace keel::ports {

class LogSink {
public:
    virtual ~LogSink() = default;

    /// The write side for an instance's processes, which belongs to the sink: a FIFO for `file`,
    /// which is opened at the first call and stays open over spawns; for `journal` a connection
    /// that is good until the next call, or as for `inherit` if there is none; keeld's stderr for
    /// `inherit`, -1 for `null`. A failure (disk full, no descriptors) must not keep a unit down:
    /// callers go on with -1 and say so.
    [[nodiscard]] virtual Result<int> output_of(const std::string& unit, Slot slot,
                                                const units::LogSpec& spec,
                                                const std::optional<Credentials>& owner) = 0;

    /// A line that readiness waits for.
    struct AwaitedLine {
        std::string expression; ///< units/expression.hpp
        /// Told once, on the loop's thread, never from inside await_line(). Only the first part of
        /// a very long line is searched and told.
        std::function<void(const std::string& line)> found;
    };
    /// `new_spawn`: what was written before belongs to earlier ones, and does not count. `adopted`:
    /// what nobody has read yet does.
    enum class Awaits : std::uint8_t { new_spawn, adopted };
    /// To be called before output_of(): the first whole line that matches is told, whether or not
    /// it can be kept. Takes the place of what was awaited before. Only where the target is `file`.
    virtual void await_line(const std::string& unit, Slot slot, AwaitedLine line,
                            Awaits awaits) = 0;

    /// Calls `done` on the loop, later, once all that the instance has written until now has been
    /// read, and lines that were awaited have been told.
    virtual void when_drained(const std::string& unit, Slot slot, std::function<void()> done) = 0;

    /// What the instance has written last, until now: whatever it writes meanwhile, and whoever
    /// comes after it, is left out as far as they can be told apart. `done` comes later, on the
    /// loop; not where the disk hangs or the sink ends. Null: its output is not kept by the sink.
    virtual void last_words(const std::string& unit, Slot slot,
                            std::function<void(core::LastWords)> done) = 0;

    /// Bytes moved from the unit's FIFOs to its files since this engine began.
    [[nodiscard]] virtual std::uint64_t bytes(const std::string& unit) const = 0;

    /// Bytes that could not be kept (disk full) since this engine began.
    [[nodiscard]] virtual std::uint64_t dropped_bytes(const std::string& unit) const = 0;

    /// The instance is configured no longer; its files stay.
    virtual void forget(const std::string& unit, Slot slot) = 0;
};

} // namespace keel::ports
