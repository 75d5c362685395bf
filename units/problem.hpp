// Mistakes in unit files, as people read them.
//
// A Problem says where it is, which key it is about, what is wrong and what to do. A Report
// collects all problems of one unit, bounded, file by file in the order of the text. Neither prints
// anything, and neither knows what a unit file is made of.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::units {

/// Counted from 1; columns in characters. Line 0: the file as a whole.
struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::uint32_t source = 0; ///< which of the texts that make up a unit; 0: the unit file
    friend bool operator==(const Position&, const Position&) = default;
};

struct Problem {
    std::string file;
    std::uint32_t line = 0; ///< from 1; 0: the file as a whole
    std::uint32_t column = 0;
    std::string key; ///< `restart.delay`, `probe[2].http`; empty: no key in particular
    std::string message;
    std::string hint; ///< what to do about it; may be empty
    friend bool operator==(const Problem&, const Problem&) = default;
};

/// `file:line:column: key: message (hint)`; parts that are empty are left out.
std::string to_text(const Problem& problem);

/// What is wrong with one value and what to do, before it is known where the value stands.
struct Mistake {
    std::string message;
    std::string hint;
};

/// Backquoted "did you mean", or nothing if no candidate is near.
std::optional<std::string> did_you_mean(std::string_view word,
                                        const std::vector<std::string_view>& candidates);

/// The problems of a text, or of several that are laid over each other. Beyond `limit` they are
/// only counted.
class Report {
public:
    static constexpr std::size_t limit = 100;

    /// `files` by Position::source; at least one.
    explicit Report(std::vector<std::string> files) : files_(std::move(files)) {}
    explicit Report(std::string file) : files_{std::move(file)} {}

    /// A mistake that was told of the same place already is not told again.
    void add(Position at, std::string_view key, Mistake mistake);
    [[nodiscard]] bool empty() const { return problems_.empty(); }
    /// True if a problem with exactly this key was added.
    [[nodiscard]] bool speaks_of(std::string_view key) const;
    /// All problems by position, the last of them telling how many more there are, if so.
    [[nodiscard]] std::vector<Problem> take();

private:
    std::vector<std::string> files_;
    std::vector<Problem> problems_;
    std::size_t dropped_ = 0;
};

/// Sorts by file and position; problems of one position keep their order.
void sort_by_position(std::vector<Problem>& problems);

} // namespace keel::units
