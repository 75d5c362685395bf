#include "base/release_id.hpp"

#include <algorithm>
#include <array>

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

std::string_view release_called_as(std::string_view path)
{
    constexpr std::array endings = std::to_array<std::string_view>(
        {".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2"});
    while (path.ends_with('/'))
        path.remove_suffix(1);
    std::string_view name = path.substr(path.rfind('/') + 1); // The whole of it, if there is none.
    const auto ending = std::find_if(endings.begin(), endings.end(),
                                     [&](std::string_view each) { return name.ends_with(each); });
    if (ending != endings.end()) name.remove_suffix(ending->size());
    return name;
}

bool is_release_id(std::string_view text)
{
    return !text.empty() && text.size() <= release_id_bytes_max &&
           is_letter_or_digit(text.front()) && std::all_of(text.begin(), text.end(), may_follow) &&
           !text.ends_with(".partial") && !text.ends_with(".sha256") &&
           text.find(".former-") == text.npos;
}

} // namespace keel
