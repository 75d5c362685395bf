#include "sys/log_reader.hpp"

#include "sys/log_follower.hpp"
#include "sys/log_tail.hpp"
#include "sys/log_walk.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::sys {

using ports::LogPosition;
using ports::LogTail;

namespace {

std::uint64_t size_of(int file)
{
    struct stat seen {};
    return ::fstat(file, &seen) == 0 ? static_cast<std::uint64_t>(seen.st_size) : 0;
}

} // namespace

/// One inotify descriptor for all followers; it exists only while there are some.
class LogReader::Watches : public std::enable_shared_from_this<Watches> {
public:
    explicit Watches(ports::Loop& loop) : loop_(loop) {}

    Result<void> add(Following& following, const std::filesystem::path& folder);
    void remove(Following& following);
    [[nodiscard]] ports::Loop& loop() { return loop_; }

private:
    void take_changes();

    ports::Loop& loop_;
    OwnedFd inotify_;
    std::multimap<int, Following*> by_folder_; ///< by watch number
    ports::Loop::Registration watch_;
};

/// A follower and its reader. Reading goes on piece by piece in deferred calls, so that a long way
/// to catch up does not hold up the loop.
class LogReader::Following : public std::enable_shared_from_this<Following> {
public:
    Following(std::shared_ptr<Watches> watches, LogFollower follower,
              std::function<void(std::string_view)> handler)
        : watches_(std::move(watches)), follower_(std::move(follower)), handler_(std::move(handler))
    {}

    void changed()
    {
        if (std::exchange(scheduled_, true)) return;
        watches_->loop().defer([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->pass_on();
        });
    }

    void stop() { watches_->remove(*this); }

private:
    void pass_on()
    {
        scheduled_ = false;
        const std::string_view bytes = follower_.read();
        if (bytes.empty()) return;
        changed();
        handler_(bytes);
    }

    std::shared_ptr<Watches> watches_;
    LogFollower follower_;
    std::function<void(std::string_view)> handler_;
    bool scheduled_ = false;
};

Result<void> LogReader::Watches::add(Following& following, const std::filesystem::path& folder)
{
    if (!inotify_) {
        inotify_ = OwnedFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (!inotify_) return Error::from_errno("watch log files");
        watch_ = loop_.watch_fd(inotify_.get(), ports::Interest::readable,
                                [this](ports::FdEvents) { take_changes(); });
    }
    const int number =
        ::inotify_add_watch(inotify_.get(), folder.c_str(), IN_MODIFY | IN_CREATE | IN_MOVE);
    if (number < 0) {
        auto failed = Error::from_errno("watch", folder);
        remove(following);
        return failed;
    }
    by_folder_.emplace(number, &following);
    return {};
}

void LogReader::Watches::remove(Following& following)
{
    for (auto place = by_folder_.begin(); place != by_folder_.end(); ++place) {
        if (place->second != &following) continue;
        const int number = place->first;
        by_folder_.erase(place);
        if (!by_folder_.contains(number)) ::inotify_rm_watch(inotify_.get(), number);
        break;
    }
    if (!by_folder_.empty()) return;
    watch_.reset();
    inotify_.reset();
}

void LogReader::Watches::take_changes()
{
    alignas(inotify_event) std::array<char, 4096> buffer;
    const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
    for (ssize_t at = 0; at < got;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        at += static_cast<ssize_t>(sizeof *event + event->len);
        // After an overflow it is not known who has something new: all look.
        const bool lost = (event->mask & IN_Q_OVERFLOW) != 0;
        const auto [from, to] = lost ? std::pair(by_folder_.begin(), by_folder_.end())
                                     : by_folder_.equal_range(event->wd);
        for (auto place = from; place != to; ++place)
            place->second->changed();
    }
}

LogReader::LogReader(ports::Loop& loop, std::filesystem::path log_dir)
    : log_dir_(std::move(log_dir)), watches_(std::make_shared<Watches>(loop))
{}

LogReader::~LogReader() = default;

Result<LogTail> LogReader::tail(const std::string& unit, Slot slot, std::size_t lines,
                                std::optional<WallTime> since) const
{
    const LogNames names(log_dir_, unit, slot);
    const auto newest = open_newest(names);
    if (!newest) return LogTail{};
    const std::uint64_t size = size_of(newest->file.get());
    const auto files = files_since(names, *newest, since);
    TailCollector collector(lines, tail_bytes_max - TailCollector::block);
    std::optional<WallTime> begun;
    for (auto file = files.rbegin(); file != files.rend() && !collector.enough(); ++file) {
        const std::size_t before = collector.taken();
        if (file->sequence == 0)
            collector.take(newest->file.get(), size);
        else if (!collector.take(names, file->sequence))
            break; // pruned: nothing is older either
        if (collector.taken() > before) begun = file->begun;
    }
    const std::uint64_t end = newest->file ? size : LogFollower::at_end;
    return LogTail{std::move(collector).text(), LogPosition{newest->identity, end}, begun};
}

Result<std::unique_ptr<ports::LogWalk>> LogReader::walk(const std::string& unit, Slot slot,
                                                        WallTime since) const
{
    return std::unique_ptr<ports::LogWalk>(
        std::make_unique<LogWalk>(LogNames(log_dir_, unit, slot), since));
}

Result<ports::Loop::Registration>
LogReader::follow(const std::string& unit, Slot slot, LogPosition from,
                  std::function<void(std::string_view bytes)> handler)
{
    class Registered final : public ports::Loop::Handle {
    public:
        explicit Registered(std::shared_ptr<Following> following) : following_(std::move(following))
        {}
        ~Registered() override { following_->stop(); }
        Registered(const Registered&) = delete;
        Registered& operator=(const Registered&) = delete;

    private:
        std::shared_ptr<Following> following_;
    };

    const LogNames names(log_dir_, unit, slot);
    // A unit that has not written yet has no folder; there is nothing else to wait for it with.
    std::error_code ignored;
    std::filesystem::create_directories(log_dir_, ignored);
    ::mkdir(names.folder().c_str(), 0750);
    const auto following =
        std::make_shared<Following>(watches_, LogFollower(names, from), std::move(handler));
    if (auto added = watches_->add(*following, names.folder()); !added) return added.error();
    following->changed(); // what came since the position
    return ports::Loop::Registration(std::make_unique<Registered>(following));
}

} // namespace keel::sys
