#include "cli/event_stream.hpp"

#include <fmt/format.h>
#include <poll.h>

namespace keel::cli {

using control::Deadline;
using control::Reply;
using control::Trouble;
using control::trouble_of;
using Kind = Trouble::Kind;

namespace {

/// How long a daemon may be away before waiting for it makes no sense any more.
constexpr Duration absence_max = std::chrono::seconds(10);
constexpr int reopen_pause = 50; // milliseconds, for poll()

bool has_passed(const Deadline& deadline)
{
    return deadline && std::chrono::steady_clock::now() >= *deadline;
}

} // namespace

std::optional<Trouble> EventStream::open(Deadline deadline, std::optional<std::uint64_t> after)
{
    std::string target = "/v1/events?" + query_;
    if (after) target += fmt::format("{}after={}", query_.empty() ? "" : "&", *after);
    auto begun = control::open_stream(socket_path_, target, deadline);
    if (const auto* trouble = trouble_of(begun)) return *trouble;
    if (after) last_id_ = std::to_string(*after);
    call_.emplace(std::move(std::get<control::Call>(begun)));
    reader_ = {};
    return std::nullopt;
}

std::optional<Trouble> EventStream::reopen(Deadline deadline)
{
    call_.reset();
    const Deadline back_by = control::deadline_in(absence_max);
    std::optional<std::uint64_t> after;
    if (!last_id_.empty()) after = std::stoull(last_id_);
    for (;;) {
        auto trouble = open(deadline ? deadline : back_by, after);
        if (!trouble || trouble->kind != Kind::unreachable || has_passed(back_by)) return trouble;
        if (has_passed(deadline)) return Trouble{Kind::timed_out, trouble->text, trouble->hint};
        ::poll(nullptr, 0, reopen_pause);
    }
}

Reply<EventStream::News> EventStream::next(Deadline deadline)
{
    const auto bytes = call_->more(deadline);
    const auto* trouble = trouble_of(bytes);
    if (trouble != nullptr && trouble->kind != Kind::unreachable) return *trouble;
    if (trouble != nullptr || std::get<std::string>(bytes).empty()) {
        if (auto lost = reopen(deadline)) return *lost;
        return News{{}, News::Gap::yes};
    }
    auto events = read(std::get<std::string>(bytes));
    if (const auto* garbled = trouble_of(events)) return *garbled;
    return News{std::move(std::get<std::vector<control::SseEvent>>(events))};
}

Reply<std::vector<control::SseEvent>> EventStream::read(const std::string& bytes)
{
    auto events = reader_.feed(bytes);
    if (!events) return Trouble{Kind::garbled, events.error().text(), {}};
    if (!reader_.last_id().empty()) last_id_ = reader_.last_id();
    return std::move(*events);
}

std::optional<int> EventStream::descriptor() const
{
    if (!call_) return std::nullopt;
    return call_->descriptor();
}

Reply<std::vector<control::SseEvent>> EventStream::take()
{
    const Trouble broken{Kind::unreachable, "the connection to keeld broke", {}};
    if (!call_) return broken;
    const auto bytes = call_->more(control::deadline_in(Duration{0}));
    const auto* trouble = trouble_of(bytes);
    if (trouble != nullptr && trouble->kind == Kind::timed_out)
        return std::vector<control::SseEvent>{};
    if (trouble == nullptr && !std::get<std::string>(bytes).empty())
        return read(std::get<std::string>(bytes));
    call_.reset();
    return trouble != nullptr ? *trouble : broken;
}

} // namespace keel::cli
