#include "probes/attempt.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace keel::probes {

using namespace std::chrono_literals;
using core::Verdict;
using core::VerdictKind;

namespace {

constexpr std::size_t detail_bytes_max = 512;

/// How late the loop may find out about a timeout and still hold it against the target.
Duration lateness_allowed(Duration timeout) { return std::max<Duration>(timeout / 4, 50ms); }

} // namespace

Attempt::Attempt(ports::Loop& loop, Duration timeout, Finished finished)
    : loop_(loop), timeout_(timeout), started_(loop.precise()), finished_(std::move(finished))
{}

void Attempt::start()
{
    started_ = loop_.precise();
    deadline_ = loop_.after(timeout_, [this] { on_deadline(); });
    begin();
}

std::string Attempt::limit() const { return to_text(timeout_); }

void Attempt::on_deadline()
{
    const Duration late = loop_.now().mono - (started_ + timeout_);
    // The answer may have been there all the time while nobody looked.
    if (late > lateness_allowed(timeout_))
        return unknown(VerdictKind::internal,
                       fmt::format("the event loop was late by {}", to_human(late)));
    on_timeout();
}

void Attempt::finish(Verdict verdict, VerdictKind kind, std::string_view detail)
{
    if (is_finished()) return;
    const auto finished = std::exchange(finished_, nullptr);
    core::ProbeAnswer answer{verdict, kind, elapsed(), printable(detail, detail_bytes_max)};
    deadline_.reset();
    close();
    finished(std::move(answer));
}

} // namespace keel::probes
