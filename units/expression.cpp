#include "units/expression.hpp"

#include "base/ensure.hpp"

#include <algorithm>
#include <re2/re2.h>

namespace keel::units {
namespace {

constexpr std::int64_t memory_max = 1 << 20; // of the compiled program and what a search caches

re2::RE2::Options options()
{
    re2::RE2::Options chosen(re2::RE2::Quiet);
    chosen.set_max_mem(memory_max);
    chosen.set_never_capture(true);
    return chosen;
}

} // namespace

Expression::Expression(std::string_view pattern)
    : compiled_(
          std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options()))
{}

Expression::~Expression() = default;
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;

std::string_view Expression::problem() const
{
    // The library's own messages differ from one to the next version of it.
    switch (compiled_->error_code()) {
    case re2::RE2::NoError: return {};
    case re2::RE2::ErrorBadEscape:
        return "an escape that means nothing here; back-references are not supported";
    case re2::RE2::ErrorBadCharClass: return "a class of characters that does not exist";
    case re2::RE2::ErrorBadCharRange: return "a range of characters that runs backwards";
    case re2::RE2::ErrorMissingBracket: return "a `[` that is not closed";
    case re2::RE2::ErrorMissingParen: return "a `(` that is not closed";
    case re2::RE2::ErrorUnexpectedParen: return "a `)` that closes nothing";
    case re2::RE2::ErrorTrailingBackslash: return "a trailing backslash";
    case re2::RE2::ErrorRepeatArgument: return "a `*`, `+` or `?` with nothing to repeat";
    case re2::RE2::ErrorRepeatSize: return "numbers in { } that make no range, or too large a one";
    case re2::RE2::ErrorRepeatOp: return "repetitions one after the other";
    case re2::RE2::ErrorBadPerlOp:
        return "a group that begins with `(?` and is not supported; there is no look-around";
    case re2::RE2::ErrorBadUTF8: return "bytes that are no UTF-8";
    case re2::RE2::ErrorBadNamedCapture: return "a group whose name cannot be one";
    case re2::RE2::ErrorPatternTooLarge: return "repetitions that make it too large";
    case re2::RE2::ErrorInternal: break;
    }
    return "its syntax";
}

bool Expression::found_in(std::string_view text) const
{
    ENSURE(compiled_->ok(), "an expression was checked before it is searched for");
    return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

std::size_t Expression::steps_for(std::size_t bytes) const
{
    return static_cast<std::size_t>(std::max(compiled_->ProgramSize(), 1)) * bytes;
}

} // namespace keel::units
