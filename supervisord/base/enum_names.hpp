// The one place where an enumerator gets its printed name.
//
// For an enum E, specialise `names_of<E>` with one name per enumerator, in order from 0. Printing,
// parsing, docs and metrics labels all read that table.
#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>

namespace keel {

template <class E> inline constexpr auto names_of = nullptr;

template <class E>
concept NamedEnum = !std::is_same_v<std::remove_cv_t<decltype(names_of<E>)>, std::nullptr_t>;

template <NamedEnum E> constexpr std::string_view name(E value)
{
    return names_of<E>[static_cast<std::size_t>(value)];
}

template <NamedEnum E> constexpr std::optional<E> from_name(std::string_view text)
{
    for (std::size_t i = 0; i < names_of<E>.size(); ++i)
        if (names_of<E>[i] == text) return static_cast<E>(i);
    return std::nullopt;
}

} // namespace keel
