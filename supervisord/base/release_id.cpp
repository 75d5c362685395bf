#include "base/release_id.hpp"

#include <algorithm>

namespace keel {
namespace {

// Not of <cctype>: what a letter is must not depend on the locale.
constexpr bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr bool may_follow(char c)
{
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '+' || c == '-';
}

} // namespace

bool is_release_id(std::string_view text)
{
    return !text.empty() && text.size() <= release_id_bytes_max &&
           is_letter_or_digit(text.front()) && std::all_of(text.begin(), text.end(), may_follow) &&
           !text.ends_with(".partial") && !text.ends_with(".sha256");
}

} // namespace keel
