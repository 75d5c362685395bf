// Regular expressions as unit files have them: compiled at check, searched at every probe.
//
// They are RE2's, so that the time of a search grows with the length of the text and nothing else;
// an engine that backtracks lets one unlucky expression stop everything for ever. The price is that
// there are no back-references and no look-around. This is the only place that knows RE2.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace keel::units {

class Expression {
public:
    /// Compiles it; whether that went well is problem()'s to say.
    explicit Expression(std::string_view pattern);
    ~Expression();
    Expression(Expression&&) noexcept;
    Expression& operator=(Expression&&) noexcept;

    /// What is wrong with the pattern, in our own words; empty: nothing.
    [[nodiscard]] std::string_view problem() const;

    /// Whether it matches anywhere in `text`. Needs an expression without a problem.
    [[nodiscard]] bool found_in(std::string_view text) const;

    /// An upper bound of the steps, of some nanoseconds each, of a search in so many bytes.
    [[nodiscard]] std::size_t steps_for(std::size_t bytes) const;

private:
    std::unique_ptr<re2::RE2> compiled_;
};

} // namespace keel::units
