#include "sys/pipe_peek.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <unistd.h>

namespace keel::sys {

Result<void> PipePeek::prepare()
{
    if (in_) return {};
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return Error::from_errno("make pipe");
    out_ = OwnedFd(ends[0]);
    in_ = OwnedFd(ends[1]);
    bytes_.resize(look_max);
    return {};
}

bool PipePeek::is_over(int pipe)
{
    if (!prepare()) return false;
    const ssize_t seen = ::tee(pipe, in_.get(), 1, SPLICE_F_NONBLOCK);
    if (seen > 0) (void)!::read(out_.get(), bytes_.data(), 1);
    return seen == 0;
}

Result<std::string_view> PipePeek::look(int pipe)
{
    if (auto ready = prepare(); !ready) return ready.error();
    const ssize_t seen = ::tee(pipe, in_.get(), bytes_.size(), SPLICE_F_NONBLOCK);
    if (seen < 0 && errno == EAGAIN) return std::string_view{};
    if (seen < 0) return Error::from_errno("look into fifo");
    std::size_t have = 0;
    while (have < static_cast<std::size_t>(seen)) {
        const ssize_t got = ::read(out_.get(), bytes_.data() + have, bytes_.size() - have);
        if (got <= 0) return Error::from_errno("read pipe");
        have += static_cast<std::size_t>(got);
    }
    return std::string_view(bytes_).substr(0, have);
}

std::size_t PipePeek::drop(int pipe, std::size_t bytes)
{
    if (!nowhere_) nowhere_ = OwnedFd(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    std::size_t gone = 0;
    while (gone < bytes) {
        const ssize_t piece = ::splice(pipe, nullptr, nowhere_.get(), nullptr, bytes - gone,
                                       SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
        if (piece <= 0) break;
        gone += static_cast<std::size_t>(piece);
    }
    return gone;
}

} // namespace keel::sys
