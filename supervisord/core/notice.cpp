#include "core/notice.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <limits>

namespace keel::core {
namespace {

template <class Number> std::optional<Number> number_in(std::string_view text)
{
    Number value{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed == std::errc::result_out_of_range) return std::numeric_limits<Number>::max();
    if (text.empty() || failed != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

/// Nothing for what is no number, and for 0: a process cannot wish its watchdog away.
std::optional<Duration> span_in(std::string_view text)
{
    const auto count = number_in<std::uint64_t>(text);
    if (!count || *count == 0) return std::nullopt;
    constexpr auto most = std::chrono::duration_cast<std::chrono::microseconds>(notice_span_max);
    const auto bounded = std::min<std::uint64_t>(*count, static_cast<std::uint64_t>(most.count()));
    const std::chrono::microseconds span{static_cast<std::int64_t>(bounded)};
    return std::max<Duration>(span, notice_span_min);
}

void take_line(std::string_view line, Notice& notice)
{
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return;
    const std::string_view name = line.substr(0, equals), value = line.substr(equals + 1);
    if (name == "STATUS") {
        notice.status = printable(value, status_bytes_max);
    } else if (name == "EXTEND_TIMEOUT_USEC") {
        if (const auto span = span_in(value)) notice.extension = span;
    } else if (name == "WATCHDOG_USEC") {
        if (const auto span = span_in(value)) notice.watchdog = span;
    } else if (name == "MAINPID") {
        const auto pid = number_in<std::int32_t>(value);
        if (pid && *pid > 1) notice.main = pid;
    } else if (name == "WATCHDOG" && value == "trigger") {
        notice.life = Notice::Life::trouble;
    } else if (value == "1") {
        if (name == "READY") notice.phase = Phase::ready;
        if (name == "RELOADING") notice.phase = Phase::reloading;
        if (name == "STOPPING") notice.phase = Phase::stopping;
        if (name == "BARRIER") notice.barrier = Notice::Barrier::yes;
        if (name == "WATCHDOG" && notice.life == Notice::Life::silent)
            notice.life = Notice::Life::sign;
    }
}

} // namespace

Notice parse_notice(std::string_view datagram)
{
    Notice notice;
    while (!datagram.empty()) {
        const std::size_t end = std::min(datagram.find('\n'), datagram.size());
        take_line(datagram.substr(0, end), notice);
        datagram.remove_prefix(std::min(end + 1, datagram.size()));
    }
    return notice;
}

bool is_news(const Notice& notice)
{
    return notice.phase || notice.status || notice.watchdog || notice.life == Notice::Life::trouble;
}

std::string to_text(const Notice& notice)
{
    std::string text;
    const auto add = [&](const std::string& word) { text += (text.empty() ? "" : ", ") + word; };
    if (notice.phase == Phase::ready) add("READY=1");
    if (notice.phase == Phase::reloading) add("RELOADING=1");
    if (notice.phase == Phase::stopping) add("STOPPING=1");
    if (notice.life == Notice::Life::sign) add("WATCHDOG=1");
    if (notice.life == Notice::Life::trouble) add("WATCHDOG=trigger");
    if (notice.watchdog) add("a watchdog of " + keel::to_text(*notice.watchdog));
    if (notice.extension) add(keel::to_text(*notice.extension) + " more");
    if (notice.status && !notice.status->empty()) add(fmt::format("\"{}\"", *notice.status));
    return text;
}

} // namespace keel::core
