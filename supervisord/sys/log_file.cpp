#include "sys/log_file.hpp"

#include "sys/clock.hpp"
#include "sys/line_stamps.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::sys {

namespace {

/// A file whose line is under way, and one that cannot be put aside, is not looked at all the time.
constexpr Duration looks_apart_min = std::chrono::seconds(1);

} // namespace

Cut cut_at_line(std::string_view waiting, std::uint64_t size, std::uint64_t max_size,
                bool line_open)
{
    const std::uint64_t room = size < max_size ? max_size - size : 0;
    if (waiting.size() <= room) return {waiting.size(), false};
    if (room > 0) {
        const std::size_t last = waiting.rfind('\n', static_cast<std::size_t>(room) - 1);
        if (last != std::string_view::npos) return {last + 1, true};
    }
    if (!line_open && size > 0) return {0, true};
    // A line is under way that does not end within the room: it is seen to its end, within reason.
    const std::uint64_t limit = max_size + LogFile::overshoot_max;
    const std::uint64_t reach = limit - std::min(size, limit);
    const std::size_t end = waiting.find('\n');
    if (end != std::string_view::npos && end < reach) return {end + 1, true};
    if (waiting.size() <= reach) return {waiting.size(), false};
    return {static_cast<std::size_t>(reach), true};
}

Result<std::size_t> LogFile::take_from(int fifo, PipePeek& peek, std::size_t bytes_max)
{
    if (auto finished = finish_piece(peek); !finished) return finished.error();
    const auto end = size();
    if (!end) return end.error();
    const std::size_t wanted = std::min(bytes_max, piece_max);
    const bool raw = rules_.format == units::LogFormat::raw || !piece_;
    if (*end == 0) begun_ = read_clocks().wall;
    if (raw && *end + wanted <= rules_.max_size) return move(fifo, *end, wanted);
    const auto looked = peek.look(fifo);
    if (!looked) return looked.error();
    if (looked->empty()) return std::size_t{0};
    const std::string_view waiting = looked->substr(0, wanted);
    auto moved =
        raw ? take_near_end(fifo, *end, waiting) : take_with_times(fifo, *end, peek, waiting);
    // None fitted into the old file, which was put aside; into a new one something always does.
    if (moved && *moved == 0) return take_from(fifo, peek, bytes_max);
    return moved;
}

Result<std::size_t> LogFile::take_near_end(int fifo, std::uint64_t at, std::string_view waiting)
{
    const Cut cut = cut_at_line(waiting, at, rules_.max_size, line_open_at(at));
    std::size_t moved = 0;
    if (cut.bytes > 0) {
        auto piece = move(fifo, at, cut.bytes);
        // A short move did not reach the cut; the next turn finds it anew.
        if (!piece || *piece < cut.bytes) return piece;
        moved = *piece;
    }
    return cut.rotate ? rotate_after(moved) : moved;
}

Result<std::size_t> LogFile::take_with_times(int fifo, std::uint64_t at, PipePeek& peek,
                                             std::string_view waiting)
{
    const auto line = line_open_at(at) ? LineState::open : LineState::closed;
    const std::string stamp = stamp_of(read_clocks().wall);
    std::string text = with_stamps(waiting, stamp, line);
    const Cut cut = cut_at_line(text, at, rules_.max_size, line == LineState::open);
    if (cut.bytes == 0) return cut.rotate ? rotate_after(0) : std::size_t{0};

    const std::size_t bytes =
        length_without_stamps(std::string_view(text).substr(0, cut.bytes), line);
    auto taken = piece_->take(fifo, bytes, at);
    if (!taken) return taken;
    const bool whole = *taken == bytes;
    text.resize(cut.bytes);
    if (!whole) text = with_stamps(waiting.substr(0, *taken), stamp, line);
    const auto written = write(text, at);
    piece_->let_go(peek);
    if (!written) {
        lost_ += *taken;
        return written.error();
    }
    return cut.rotate && whole ? rotate_after(*taken) : *taken;
}

Result<void> LogFile::finish_piece(PipePeek& peek)
{
    const auto at = piece_ ? piece_->unwritten_at(peek) : std::nullopt;
    if (!at) return {};
    const auto size_now = size();
    if (!size_now) return size_now.error();
    // Shorter only if somebody else cut the file meanwhile.
    const std::uint64_t end = std::min(*at, *size_now);
    if (::ftruncate(file_.get(), static_cast<off_t>(end)) != 0)
        return Error::from_errno("cut", names_.current());
    const auto bytes = piece_->bytes(peek);
    if (!bytes) return bytes.error();
    const auto line = line_open_at(end) ? LineState::open : LineState::closed;
    auto written = write(with_stamps(*bytes, stamp_of(read_clocks().wall), line), end);
    if (!written) lost_ += bytes->size();
    piece_->let_go(peek);
    return written;
}

Result<std::size_t> LogFile::rotate_after(std::size_t moved)
{
    // After some was moved a failure is told by the next turn, which moves nothing before it.
    if (auto rotated = rotate(); !rotated && moved == 0) return rotated.error();
    return moved;
}

Result<void> LogFile::append_line(std::string_view text)
{
    const auto end = size();
    if (!end) return end.error();
    std::string line = line_open_at(*end) ? "\n" : "";
    if (rules_.format == units::LogFormat::timestamp) line += stamp_of(read_clocks().wall);
    line += text;
    line += '\n';
    if (*end == 0) begun_ = read_clocks().wall;
    return write(line, *end);
}

Result<std::size_t> LogFile::move(int fifo, std::uint64_t at, std::size_t bytes)
{
    auto offset = static_cast<loff_t>(at);
    const ssize_t moved =
        ::splice(fifo, nullptr, file_.get(), &offset, bytes, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (moved >= 0) return static_cast<std::size_t>(moved);
    if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
    auto failed = Error::from_errno("write", names_.current());
    file_.reset(); // what is wrong may be this very file: the next turn opens it anew
    return failed;
}

/// All of it or, after an error, nothing.
Result<void> LogFile::write(std::string_view text, std::uint64_t at)
{
    std::size_t written = 0;
    while (written < text.size()) {
        const ssize_t wrote = ::pwrite(file_.get(), text.data() + written, text.size() - written,
                                       static_cast<off_t>(at + written));
        if (wrote > 0) {
            written += static_cast<std::size_t>(wrote);
            continue;
        }
        if (wrote < 0 && errno == EINTR) continue;
        auto failed = Error::from_errno("write", names_.current());
        (void)!::ftruncate(file_.get(), static_cast<off_t>(at));
        file_.reset();
        return failed;
    }
    return {};
}

/// The file's size, after making sure that there is one with a name.
Result<std::uint64_t> LogFile::size()
{
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (!file_)
            if (auto opened = open(); !opened) return opened.error();
        struct stat seen {};
        if (::fstat(file_.get(), &seen) != 0) return Error::from_errno("stat", names_.current());
        if (seen.st_nlink > 0) return static_cast<std::uint64_t>(seen.st_size);
        file_
            .reset(); // somebody deleted it: going on would fill the disk with what nobody can read
    }
    return Error{"write", names_.current(), ENOENT};
}

Result<void> LogFile::open()
{
    std::error_code failed;
    std::filesystem::create_directories(names_.folder().parent_path(), failed);
    if (::mkdir(names_.folder().c_str(), 0750) != 0 && errno != EEXIST)
        return Error::from_errno("make folder", names_.folder());
    OwnedFd file(::open(names_.current().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (!file) return Error::from_errno("open", names_.current());
    struct stat seen {};
    if (::fstat(file.get(), &seen) != 0 || !S_ISREG(seen.st_mode))
        return Error{"open", names_.current(), EINVAL};
    file_ = std::move(file);
    begun_.reset();
    if (seen.st_size > 0) begun_ = file_birth(file_.get());
    if (next_sequence_ == 0) {
        const auto rotated = names_.list_rotated();
        next_sequence_ = rotated.empty() ? 1 : rotated.back() + 1;
    }
    return {};
}

bool LogFile::line_open_at(std::uint64_t end) const
{
    if (end == 0) return false;
    char last = 0;
    return ::pread(file_.get(), &last, 1, static_cast<off_t>(end) - 1) == 1 && last != '\n';
}

Result<void> LogFile::rotate()
{
    if (::rename(names_.current().c_str(), names_.rotated(next_sequence_).c_str()) != 0)
        return Error::from_errno("rotate", names_.current());
    put_aside_.push_back(next_sequence_++);
    file_.reset();
    auto opened = open();
    prune();
    return opened;
}

Duration LogFile::heed_age(WallTime now)
{
    if (rules_.max_age == Duration{0}) return Duration::max();
    put_aside_if_old(now);
    Duration next = begun_ ? *begun_ + rules_.max_age - now : rules_.max_age;
    for (const std::uint64_t sequence : names_.list_rotated()) {
        const auto last = names_.rotated_at(sequence);
        if (!last) continue;
        if (*last + rules_.max_age <= now)
            names_.remove_rotated(sequence);
        else
            next = std::min(next, *last + rules_.max_age - now);
    }
    return std::max(next, looks_apart_min);
}

/// A quiet instance does not fill its file, and what is in that would never be old enough.
void LogFile::put_aside_if_old(WallTime now)
{
    if (!file_) (void)size();
    const bool is_old = file_ && begun_ && *begun_ + rules_.max_age <= now;
    // In the middle of a line it waits for the next time: files are cut between lines.
    if (is_old && size().ok() && !line_open_at(*size())) (void)rotate();
}

void LogFile::prune() const
{
    const auto rotated = names_.list_rotated();
    if (rotated.size() <= rules_.keep) return;
    for (std::size_t i = 0; i < rotated.size() - rules_.keep; ++i)
        names_.remove_rotated(rotated[i]);
}

} // namespace keel::sys
