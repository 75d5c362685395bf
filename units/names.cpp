#include "units/names.hpp"

#include <algorithm>

namespace keel::units {
namespace {

// Not of <cctype>: what a letter is must not depend on the locale.
constexpr bool may_begin(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
constexpr bool may_follow(char c) { return may_begin(c) || c == '_' || c == '-'; }

} // namespace

bool is_name(std::string_view text)
{
    return !text.empty() && text.size() <= 64 && may_begin(text.front()) &&
           std::all_of(text.begin(), text.end(), may_follow);
}

} // namespace keel::units
