// One piece of an instance's output between its FIFO and its log file, while times are put before
// the lines, which splice cannot do.
//
// Promises: what ends the engine at any moment, no byte is lost, none is in the file twice, and
// each line has one time. The piece is spliced out of the FIFO into a pipe that nobody else writes
// to, written to the file from a copy, and let go of. A mark beside the pipe tells what a piece in
// there is: still to be written from this place in the file on, whatever the file has behind it,
// or written whole and only to be dropped. The pipe has a name and is held by the keeper like the
// FIFO; the mark, eight bytes written by one call, is a file beside it. So the next engine finds
// both as they were.
#pragma once
#include "base/owned_fd.hpp"
#include "base/result.hpp"
#include "sys/pipe_peek.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace keel::sys {

class PieceInHand {
public:
    /// Opens pipe and mark, or makes them: `FIFO_DIR/worker.3.piece` and `….mark`.
    [[nodiscard]] static Result<PieceInHand> open(const std::filesystem::path& fifo_dir,
                                                  std::string_view instance);
    [[nodiscard]] static bool exists(const std::filesystem::path& fifo_dir,
                                     std::string_view instance);
    static void remove(const std::filesystem::path& fifo_dir, std::string_view instance);
    /// The pipe's name under which the keeper holds it; no name of an instance.
    [[nodiscard]] static std::string name(std::string_view instance);

    [[nodiscard]] int pipe() const { return pipe_.get(); }

    /// Takes up to so many bytes out of the FIFO, to be written at `file_end`. Nothing is in hand.
    [[nodiscard]] Result<std::size_t> take(int fifo, std::size_t bytes, std::uint64_t file_end);
    /// Where in the file the piece belongs that an engine before this one had in hand. nullopt:
    /// there is none; one that it had written whole is let go of.
    [[nodiscard]] std::optional<std::uint64_t> unwritten_at(PipePeek& peek);
    /// What is in hand. Valid until the next look.
    [[nodiscard]] Result<std::string_view> bytes(PipePeek& peek) const { return peek.look(pipe()); }
    /// The piece is written, or nobody will ever write it.
    void let_go(PipePeek& peek);

private:
    PieceInHand(OwnedFd pipe, OwnedFd mark) : pipe_(std::move(pipe)), mark_(std::move(mark)) {}
    [[nodiscard]] bool set_mark(std::int64_t value);

    OwnedFd pipe_, mark_;
};

} // namespace keel::sys
