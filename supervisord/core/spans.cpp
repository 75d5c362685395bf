#include "core/spans.hpp"

#include <algorithm>
#include <utility>

namespace keel::core {

Spans::Spans(std::vector<Span> any)
{
    std::erase_if(any, [](const Span& span) { return span.begin >= span.end; });
    std::ranges::sort(any, {}, &Span::begin);
    for (const Span& span : any) {
        if (!list_.empty() && span.begin <= list_.back().end)
            list_.back().end = std::max(list_.back().end, span.end);
        else
            list_.push_back(span);
    }
}

Duration Spans::length() const
{
    Duration sum{0};
    for (const Span& span : list_)
        sum += span.end - span.begin;
    return sum;
}

Spans Spans::within(const Spans& other) const
{
    Spans both;
    auto theirs = other.list_.begin();
    for (const Span& own : list_) {
        while (theirs != other.list_.end() && theirs->end <= own.begin)
            ++theirs;
        for (auto each = theirs; each != other.list_.end() && each->begin < own.end; ++each)
            both.list_.push_back({std::max(own.begin, each->begin), std::min(own.end, each->end)});
    }
    return both;
}

Spans Spans::without(const Spans& other) const
{
    Spans rest;
    auto theirs = other.list_.begin();
    for (Span own : list_) {
        while (theirs != other.list_.end() && theirs->end <= own.begin)
            ++theirs;
        for (auto each = theirs; each != other.list_.end() && each->begin < own.end; ++each) {
            if (own.begin < each->begin) rest.list_.push_back({own.begin, each->begin});
            own.begin = each->end;
        }
        if (own.begin < own.end) rest.list_.push_back(own);
    }
    return rest;
}

} // namespace keel::core
