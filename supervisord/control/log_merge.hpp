// Lines of several instances as one text, in the order of their times.
//
// A line has a time if it begins with one as `format = "timestamp"` writes it. One without counts
// as of the time of the line before it, or of its file's beginning; such lines are never left out
// and never sorted within one instance. Memory: one piece and the beginning of one line for each
// instance. Lines of any length pass, whole, without being held. It reads files and may block.
#pragma once
#include "base/time.hpp"
#include "ports/log_reader.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::control {

/// `2025-01-31T09:15:02.482Z` at the front of a line, before a space; nullopt: none is there.
[[nodiscard]] std::optional<std::string_view> time_of_line(std::string_view line);

/// A tail as a walk.
class TailWalk final : public ports::LogWalk {
public:
    explicit TailWalk(ports::LogTail tail) : tail_(std::move(tail)) {}
    [[nodiscard]] Piece next() override;
    [[nodiscard]] ports::LogPosition position() const override { return tail_.end; }

private:
    ports::LogTail tail_;
    bool given_ = false;
};

class LogMerge {
public:
    /// Instances that are merged at once; of more, so many follow upon so many.
    static constexpr std::size_t width = 64;
    /// A longer line is passed on in pieces of this size, one behind the other.
    static constexpr std::size_t line_piece = std::size_t{64} << 10;

    struct Input {
        std::unique_ptr<ports::LogWalk> walk;
        std::string prefix; ///< of each line; may be empty
    };
    /// Lines with an earlier time are left out. `unfinished`: what becomes of a last line that has
    /// no end yet.
    enum class Unfinished : std::uint8_t { ended, kept };
    LogMerge(std::vector<Input> inputs, std::optional<WallTime> since, Unfinished unfinished);

    struct Untimed {
        std::optional<WallTime> since; ///< lines may be as old as this; nullopt: nobody knows
    };
    /// Whether an instance's first line has no time.
    [[nodiscard]] std::optional<Untimed> untimed();

    struct Text {
        std::string text; ///< about 64 KiB, may be empty in between
        bool is_last = false;
    };
    [[nodiscard]] Text next();

    /// At the end: the input's last line as far as it has come, if it is to be kept.
    [[nodiscard]] std::string rest(std::size_t input) const;
    /// Behind all that came of the input.
    [[nodiscard]] ports::LogPosition position(std::size_t input) const;

private:
    struct Part {
        Input input;
        std::string bytes = {}; ///< read and not yet passed on, from `at` on
        std::size_t at = 0;
        std::size_t length = 0; ///< of the line in front, or a piece of it; 0: not looked at, none
        std::string time = {};  ///< of that line, or of what came before
        bool in_line = false;   ///< what is in front continues a line
        bool left_out = false;  ///< that line is too old
        bool has_begun = false;
        bool has_ended = false;             ///< nothing comes behind `bytes`
        std::optional<WallTime> begun = {}; ///< when its first file was

        [[nodiscard]] std::string_view ahead() const { return std::string_view(bytes).substr(at); }
    };

    void look(Part& part);
    void read_more(Part& part);
    void judge(Part& part) const;
    static void pass_on(Part& part, std::string& out);
    [[nodiscard]] bool run(std::string& out);
    [[nodiscard]] bool is_enough(const std::string& out) const;

    std::vector<Part> parts_;
    std::string since_; ///< as in lines; empty: all
    Unfinished unfinished_;
    std::size_t group_ = 0; ///< index of the first of those that are merged now
    std::size_t read_ = 0;  ///< bytes since next() was called
};

} // namespace keel::control
