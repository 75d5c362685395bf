#include "base/ensure.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>

namespace keel {
namespace {
std::atomic<OnInvariantFailure> answer{OnInvariantFailure::abort};
}

void set_on_invariant_failure(OnInvariantFailure chosen) { answer = chosen; }

void invariant_failed(std::string_view condition, std::string_view what, const char* file, int line)
{
    const std::string text =
        fmt::format("{}:{}: invariant broken: {} ({})", file, line, what, condition);
    if (answer == OnInvariantFailure::throw_exception) throw InvariantFailure(text);
    (void)std::fputs((text + "\n").c_str(), stderr);
    std::abort();
}

} // namespace keel
