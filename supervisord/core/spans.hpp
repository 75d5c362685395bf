// Spans of wall time as sets: what is in both, in either, in one but not in the other.
//
// A set is kept sorted, its spans neither touching nor overlapping and none of them empty; so it
// has one form only, and its length is a sum.
#pragma once
#include "base/time.hpp"

#include <vector>

namespace keel::core {

/// From `begin` on, up to and without `end`; empty unless begin < end.
struct Span {
    WallTime begin;
    WallTime end;
    friend bool operator==(const Span&, const Span&) = default;
};

class Spans {
public:
    Spans() = default;
    /// Of spans in any order, which may overlap and may be empty.
    explicit Spans(std::vector<Span> any);

    [[nodiscard]] Duration length() const;
    [[nodiscard]] const std::vector<Span>& list() const { return list_; }

    [[nodiscard]] Spans within(const Spans& other) const;
    [[nodiscard]] Spans without(const Spans& other) const;
    friend bool operator==(const Spans&, const Spans&) = default;

private:
    std::vector<Span> list_;
};

} // namespace keel::core
