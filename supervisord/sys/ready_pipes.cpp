#include "sys/ready_pipes.hpp"

#include "sys/fifo.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace keel::sys {
namespace {

std::uint64_t key_of(SpawnId id) { return hold_key(fmt::format("ready/{}", number(id))); }

std::optional<SpawnId> spawn_named(const std::string& name)
{
    std::uint64_t spawn = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), spawn);
    if (bad != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    return SpawnId{spawn};
}

} // namespace

ReadyPipes::ReadyPipes(ports::Loop& loop, ReadyPipeOptions options)
    : loop_(loop), options_(std::move(options)), alive_(std::make_shared<bool>(true))
{}

ReadyPipes::~ReadyPipes() = default;

std::filesystem::path ReadyPipes::path_of(SpawnId id) const
{
    return options_.dir / std::to_string(number(id));
}

Result<int> ReadyPipes::open(SpawnId id)
{
    const std::string path = path_of(id).string();
    if (::mkdir(options_.dir.c_str(), 0700) != 0 && errno != EEXIST)
        return Error::from_errno("make folder", options_.dir);
    ::unlink(path.c_str());
    if (::mkfifo(path.c_str(), 0600) != 0) return Error::from_errno("make fifo", path);
    Pipe pipe;
    pipe.reader = OwnedFd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (pipe.reader) pipe.writer = OwnedFd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!pipe.writer) {
        Error failed = Error::from_errno("open fifo", path);
        ::unlink(path.c_str());
        return failed;
    }
    if (options_.hold) options_.hold(key_of(id), pipe.reader.get());
    const int writer = pipe.writer.get();
    pipes_[id] = std::move(pipe);
    return writer;
}

void ReadyPipes::begun(SpawnId id)
{
    const auto found = pipes_.find(id);
    if (found == pipes_.end()) return;
    found->second.writer.reset();
    watch(id);
}

void ReadyPipes::watch(SpawnId id)
{
    Pipe& pipe = pipes_.at(id);
    pipe.watch = loop_.watch_fd(pipe.reader.get(), ports::Interest::readable,
                                [this, id](ports::FdEvents) { read(id); });
}

void ReadyPipes::take_over(const std::vector<SpawnId>& living)
{
    std::error_code failed;
    std::filesystem::directory_iterator entry(options_.dir, failed);
    for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
        const auto spawn = spawn_named(entry->path().filename().native());
        if (!spawn) continue;
        if (std::find(living.begin(), living.end(), *spawn) == living.end()) {
            remove(*spawn);
            continue;
        }
        Pipe pipe;
        pipe.reader = OwnedFd(::open(entry->path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        if (!pipe.reader) continue;
        // Anew: the keeper may be another one than was told first.
        if (options_.hold) options_.hold(key_of(*spawn), pipe.reader.get());
        pipes_[*spawn] = std::move(pipe);
        watch(*spawn);
        // Where the other end is shut and nothing is left, nothing comes that would wake a watch.
        loop_.defer([this, id = *spawn, alive = std::weak_ptr(alive_)] {
            if (!alive.expired()) hear(id);
        });
    }
}

void ReadyPipes::hear(SpawnId id) { read(id); }

/// One piece. A handler may close the pipe.
void ReadyPipes::read(SpawnId id)
{
    const auto found = pipes_.find(id);
    if (found == pipes_.end()) return;
    const int reader = found->second.reader.get();
    const auto piece = peek_.look(reader);
    if (!piece) return;
    const std::size_t size = piece->size();
    if (size > 0 && !found->second.newline_seen && piece->find('\n') != std::string_view::npos) {
        found->second.newline_seen = true;
        if (handlers_.on_newline) handlers_.on_newline(id);
        if (!pipes_.contains(id)) return;
    }
    if (size > 0) {
        (void)peek_.drop(reader, size);
        return;
    }
    if (found->second.writer || !peek_.is_over(reader)) return;
    found->second.watch.reset();
    if (!std::exchange(found->second.newline_seen, true) && handlers_.on_shut)
        handlers_.on_shut(id);
}

void ReadyPipes::close(SpawnId id)
{
    if (!pipes_.contains(id)) return;
    hear(id);
    pipes_.erase(id);
    remove(id);
}

void ReadyPipes::remove(SpawnId id) const
{
    if (options_.drop) options_.drop(key_of(id));
    ::unlink(path_of(id).c_str());
}

} // namespace keel::sys
