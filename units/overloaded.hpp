// The usual helper for std::visit: one callable made of several lambdas.
#pragma once

namespace keel::units {

template <class... Callables> struct Overloaded : Callables... {
    using Callables::operator()...;
};
template <class... Callables> Overloaded(Callables...) -> Overloaded<Callables...>; // for clang 14

} // namespace keel::units
