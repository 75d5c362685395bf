#include "deploy/retry.hpp"

#include "base/text.hpp"
#include "deploy/failed.hpp"
#include "deploy/limits.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <poll.h>

namespace keel::deploy {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Retry::Retry(milliseconds time_limit) : until_(steady_clock::now() + time_limit) {}

milliseconds Retry::left() const
{
    return std::max(std::chrono::duration_cast<milliseconds>(until_ - steady_clock::now()),
                    milliseconds(1));
}

void Retry::again(const std::string& source, const std::string& trouble, std::uint64_t bytes,
                  milliseconds wanted)
{
    if (bytes > most_) attempts_ = 0;
    most_ = std::max(most_, bytes);
    ++attempts_;
    if (attempts_ >= attempts_max)
        throw Failed(Fault::source, fmt::format("{}: {}; given up after {} attempts in a row",
                                                source, trouble, attempts_));
    const auto wait = std::max(wanted, std::min(backoff_min * (1 << (attempts_ - 1)), backoff_max));
    if (wait >= left())
        throw Failed(Fault::source,
                     fmt::format("{}: {}; given up as the time is over", source, trouble));
    say(fmt::format("{}: {}; again in {}", source, trouble, to_human(wait)));
    // Nothing comes meanwhile: this process does nothing else.
    ::poll(nullptr, 0, static_cast<int>(wait.count()));
}

} // namespace keel::deploy
