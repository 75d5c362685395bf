// Looks through an output that goes by for the first line in which an expression is found.
//
// It is shown pieces of any length, in order, and searches whole lines only: one that is torn is
// put together, up to a limit. It keeps nothing else, and knows nothing of files and pipes.
#pragma once
#include "units/expression.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace keel::sys {

class LineWatch {
public:
    /// The expression must have no problem.
    explicit LineWatch(std::string_view expression) : expression_(expression) {}

    /// The first line that matches, of those that end in `bytes`; of a longer one its first
    /// `line_max` bytes are searched.
    [[nodiscard]] std::optional<std::string> see(std::string_view bytes);

    static constexpr std::size_t line_max = std::size_t{8} << 10;

private:
    units::Expression expression_;
    std::string torn_; ///< the beginning of a line whose end has not come yet
};

} // namespace keel::sys
