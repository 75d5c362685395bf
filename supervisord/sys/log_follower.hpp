// One reader's way through an instance's files: which file comes after which, and how far it is.
//
// Promises: read() gives every byte once and in order, over any number of rotations between two
// calls. It knows of no loop and does not wait; whoever is told of a change calls read() until it
// gives nothing.
#pragma once
#include "base/owned_fd.hpp"
#include "ports/log_reader.hpp"
#include "sys/log_names.hpp"
#include "sys/log_packing.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keel::sys {

/// An open file and the rotated files that are not newer than it at that moment.
struct OpenLog {
    OwnedFd file; ///< none: there are only packed ones, the newest of which is meant
    std::uint64_t identity = 0;
    std::vector<std::uint64_t> older;
};

/// Opens the current file (the newest rotated one if there is no current one just now), with a view
/// of the rotated ones that belongs to it. nullopt: nothing was written yet.
[[nodiscard]] std::optional<OpenLog> open_newest(const LogNames& names);

class LogFollower {
public:
    /// Offset of a position behind all that a file has.
    static constexpr std::uint64_t at_end = ~std::uint64_t{0};

    LogFollower(LogNames names, ports::LogPosition from) : names_(std::move(names)), from_(from) {}

    /// The next bytes, at most 64 KiB, valid until the next call; empty: nothing more for now.
    [[nodiscard]] std::string_view read();

    /// Behind what was read.
    [[nodiscard]] ports::LogPosition position() const
    {
        return file_ || packed_ ? ports::LogPosition{identity_, offset_} : from_;
    }

private:
    [[nodiscard]] bool begin();
    [[nodiscard]] bool advance();
    [[nodiscard]] bool open_after(std::optional<std::uint64_t> sequence);
    [[nodiscard]] bool open_rotated(std::uint64_t sequence);
    [[nodiscard]] std::size_t read_here();
    [[nodiscard]] std::size_t read_packed();

    LogNames names_;
    ports::LogPosition from_;
    OwnedFd file_;                       ///< one of these, once it has begun
    std::optional<PackedReader> packed_; ///< it cannot go back, and knows its own place
    std::uint64_t packed_at_ = 0;
    std::uint64_t identity_ = 0;
    std::uint64_t offset_ = 0;
    std::string buffer_;
};

} // namespace keel::sys
