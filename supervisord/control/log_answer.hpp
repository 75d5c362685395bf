// What instances wrote, as an answer: the last lines or those since a time, and on request
// everything that follows.
//
// Lines of several instances come in the order of their times, each behind its instance's name.
// What was written already is read as the client takes it. Of what follows, a client that reads
// slower than the instances write is told how much was left out; it can hold up neither them nor
// the engine.
#pragma once
#include "control/http.hpp"
#include "ports/log_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace keel::control {

struct LogSelection {
    std::string unit;
    struct Part {
        Slot slot = 1;
        std::string prefix; ///< of each line; may be empty
    };
    std::vector<Part> parts;
    /// Of each instance; nullopt: all since then. One of the two is given.
    std::optional<std::size_t> lines;
    std::optional<WallTime> since = {}; ///< lines that are known to be older are left out
    enum class Follow : std::uint8_t { no, yes } follow = Follow::no;
    std::string elsewhere{}; ///< where the unit writes now, if not to files; told beside the answer
};
inline constexpr std::size_t log_lines_max = 100'000;
inline constexpr std::size_t log_lines_usual = 50;

/// `logs` outlives the answer, also on the thread that reads files for it.
void answer_with_log(ports::Loop& loop, const std::shared_ptr<ports::LogReader>& logs,
                     const std::shared_ptr<Exchange>& exchange, LogSelection selection);

} // namespace keel::control
