// Slots from paths of member pointers, for the tables of the schema.
#pragma once
#include "units/schema.hpp"

#include <type_traits>
#include <utility>

namespace keel::units {

template <auto first, auto... rest> constexpr auto& follow(auto& object)
{
    if constexpr (sizeof...(rest) == 0)
        return object.*first;
    else
        return follow<rest...>(object.*first);
}

/// A path of member pointers through the Draft; becomes the Slot of whatever type a row asks for.
template <auto... members> struct PathTo {
    template <class T> constexpr operator Slot<T>() const
    {
        return {[](const Draft& draft) -> T { return static_cast<T>(follow<members...>(draft)); },
                [](Draft& draft, T value) {
                    auto& field = follow<members...>(draft);
                    field = static_cast<std::remove_reference_t<decltype(field)>>(std::move(value));
                }};
    }
};

} // namespace keel::units
