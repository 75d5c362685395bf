#include "sys/drained_log.hpp"

#include "base/text.hpp"
#include "sys/clock.hpp"
#include "sys/log_tail.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <utility>

namespace keel::sys {

using namespace std::chrono_literals;

namespace {

constexpr Duration telling_interval = 1min;
/// So long without a loss is the end of a flood.
constexpr Duration calm = 10s;
/// The wall clock may be set meanwhile; files are looked at again after this at the latest.
constexpr Duration looks_at_age_max = 1h;

std::string gap_line(std::uint64_t bytes)
{
    return fmt::format("[keel: {} bytes above the rate were dropped here]", bytes);
}

} // namespace

DrainedLog::DrainedLog(LogSource source, const TellOfLog& tell, LogPacker& packer)
    : source_(std::move(source)), tell_(tell), packer_(packer)
{
    set_rules(source_.file.rules());
}

void DrainedLog::finish_piece(PipePeek& peek)
{
    if (auto finished = source_.file.finish_piece(peek); !finished)
        (void)drop_unwritable(peek, finished.error());
}

void DrainedLog::set_rules(const units::LogSpec& rules)
{
    source_.file.set_rules(rules);
    gate_.set_rate(rules.rate);
    age_due_.reset();
    if (rules.max_age > 0s) age_due_ = MonoTime{};
    // What an engine before this one, or other rules, left as it was. The packer passes over what
    // is packed already.
    if (rules.compress == units::LogCompression::zstd)
        for (const std::uint64_t sequence : source_.file.names().list_rotated())
            packer_.pack(name(), source_.file.names(), sequence);
}

void DrainedLog::pack_put_aside()
{
    const auto put_aside = source_.file.take_put_aside();
    if (source_.file.rules().compress == units::LogCompression::none) return;
    for (const std::uint64_t sequence : put_aside)
        packer_.pack(name(), source_.file.names(), sequence);
}

bool DrainedLog::take_piece(PipePeek& peek, std::size_t bytes_max)
{
    last_piece_ = 0;
    if (gate_.rate() == 0 && !source_.awaited) return keep_piece(peek, bytes_max);
    const auto looked = peek.look(fifo());
    if (!looked) return drop_unwritable(peek, looked.error(), bytes_max);
    const std::string_view waiting = looked->substr(0, bytes_max);
    if (waiting.empty()) return false;
    looked_at_.clear();
    if (source_.awaited) looked_at_ = waiting;
    const MonoTime now = read_mono();
    if (const std::size_t room = gate_.room_for(waiting, now); room > 0) {
        tell_of_gap();
        return keep_piece(peek, room);
    }
    return drop_above_rate(peek, gate_.drop(waiting), now);
}

void DrainedLog::take_waiting(PipePeek& peek)
{
    int waiting = 0;
    if (::ioctl(fifo(), FIONREAD, &waiting) != 0 || waiting <= 0) return;
    const std::uint64_t end = gone_ + static_cast<std::uint64_t>(waiting);
    while (gone_ < end && take_piece(peek, static_cast<std::size_t>(end - gone_))) {
    }
}

core::LastWords DrainedLog::last_words() const
{
    if (unwritten_ > 0) return nullptr; // What the file ends with is older.
    auto lines = last_words_of(source_.file.names());
    if (gap_ > 0) lines.push_back(gap_line(gap_));
    return std::make_shared<const std::vector<std::string>>(std::move(lines));
}

bool DrainedLog::keep_piece(PipePeek& peek, std::size_t bytes_max)
{
    const auto moved = source_.file.take_from(fifo(), peek, bytes_max);
    if (!moved) return drop_unwritable(peek, moved.error(), bytes_max);
    if (*moved == 0) return false;
    last_piece_ = *moved;
    show(*moved);
    source_.counters->bytes.fetch_add(*moved, std::memory_order_relaxed);
    gate_.kept(*moved);
    pack_put_aside();
    if (unwritten_ > 0)
        tell_(name(), fmt::format("its log is kept again; {} bytes were lost",
                                  std::exchange(unwritten_, 0)));
    return true;
}

/// A log that cannot be written must never hold a service back.
bool DrainedLog::drop_unwritable(PipePeek& peek, const Error& why, std::size_t bytes_max)
{
    const std::size_t lost = source_.file.take_lost();
    show(lost);
    const std::size_t gone = lost + drop(peek, bytes_max);
    if (gone == 0) return false;
    count_dropped(gone);
    unwritten_ += gone;
    const MonoTime now = read_mono();
    if (!failed_at_ || now - *failed_at_ >= telling_interval) {
        failed_at_ = now;
        tell_(name(), "its log is being lost: " + why.text());
    }
    return true;
}

bool DrainedLog::drop_above_rate(PipePeek& peek, std::size_t bytes, MonoTime now)
{
    const std::size_t gone = drop(peek, bytes);
    count_dropped(gone);
    if (flood_ == 0)
        tell_(name(), fmt::format("it writes more than {} a second; what is above is dropped",
                                  size_to_text(gate_.rate())));
    if (gap_ == 0) gap_at_ = now;
    gap_ += gone;
    flood_ += gone;
    flooded_at_ = now;
    return gone > 0;
}

/// While a line is awaited no more than was looked at, so that none goes by unseen.
std::size_t DrainedLog::drop(PipePeek& peek, std::size_t bytes_max)
{
    if (source_.awaited) bytes_max = std::min(bytes_max, looked_at_.size());
    const std::size_t gone = peek.drop(fifo(), bytes_max);
    show(gone);
    return gone;
}

/// So many more bytes of what was looked at have left the FIFO.
void DrainedLog::show(std::size_t bytes)
{
    gone_ += bytes;
    if (!source_.awaited) return;
    const std::size_t seen = std::min(bytes, looked_at_.size());
    const auto line = source_.awaited->watch.see(std::string_view(looked_at_).substr(0, seen));
    looked_at_.erase(0, seen);
    if (!line) return;
    const AwaitedLine awaited = std::move(*std::exchange(source_.awaited, std::nullopt));
    awaited.found(*line);
}

/// One line for each gap, where it is. On a disk that is full it is missing; the loss of the disk
/// is told then.
void DrainedLog::tell_of_gap()
{
    if (gap_ == 0) return;
    (void)source_.file.append_line(gap_line(std::exchange(gap_, 0)));
}

void DrainedLog::count_dropped(std::size_t bytes)
{
    source_.counters->dropped.fetch_add(bytes, std::memory_order_relaxed);
}

std::optional<MonoTime> DrainedLog::due() const
{
    auto due = age_due_;
    // By then a window has room again, and a line that comes would have told of the gap.
    if (gap_ > 0) due = std::min(due.value_or(MonoTime::max()), gap_at_ + RateGate::window);
    if (flood_ > 0) due = std::min(due.value_or(MonoTime::max()), flooded_at_ + calm);
    return due;
}

void DrainedLog::look_after(const Now& now)
{
    if (gap_ > 0 && now.mono >= gap_at_ + RateGate::window) tell_of_gap();
    if (flood_ > 0 && now.mono >= flooded_at_ + calm)
        tell_(name(), fmt::format("it keeps to its rate again; {} bytes were dropped",
                                  std::exchange(flood_, 0)));
    if (age_due_ && now.mono >= *age_due_)
        age_due_ = now.mono + std::min(source_.file.heed_age(now.wall), looks_at_age_max);
    pack_put_aside();
}

} // namespace keel::sys
