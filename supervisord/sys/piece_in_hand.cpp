#include "sys/piece_in_hand.hpp"

#include "sys/fifo.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace keel::sys {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t written_whole = -1;

fs::path mark_path(const fs::path& fifo_dir, std::string_view instance)
{
    return fifo_dir / (std::string(instance) + ".mark");
}

bool is_empty(int pipe)
{
    int bytes = 0;
    return ::ioctl(pipe, FIONREAD, &bytes) != 0 || bytes == 0;
}

} // namespace

std::string PieceInHand::name(std::string_view instance)
{
    return std::string(instance) + ".piece";
}

Result<PieceInHand> PieceInHand::open(const fs::path& fifo_dir, std::string_view instance)
{
    auto pipe = open_fifo(fifo_dir / name(instance));
    if (!pipe) return pipe.error();
    const fs::path path = mark_path(fifo_dir, instance);
    OwnedFd mark(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!mark) return Error::from_errno("open", path);
    PieceInHand opened(std::move(*pipe), std::move(mark));
    // From here on the mark has its page, so that no write of it fails for want of room.
    if (is_empty(opened.pipe()) && !opened.set_mark(written_whole))
        return Error::from_errno("write", path);
    return opened;
}

bool PieceInHand::exists(const fs::path& fifo_dir, std::string_view instance)
{
    std::error_code unseen;
    return fs::exists(fifo_dir / name(instance), unseen);
}

void PieceInHand::remove(const fs::path& fifo_dir, std::string_view instance)
{
    ::unlink((fifo_dir / name(instance)).c_str());
    ::unlink(mark_path(fifo_dir, instance).c_str());
}

Result<std::size_t> PieceInHand::take(int fifo, std::size_t bytes, std::uint64_t file_end)
{
    if (!set_mark(static_cast<std::int64_t>(file_end))) return Error::from_errno("write mark");
    const ssize_t taken =
        ::splice(fifo, nullptr, pipe_.get(), nullptr, bytes, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (taken >= 0) return static_cast<std::size_t>(taken);
    if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
    return Error::from_errno("move within pipes");
}

std::optional<std::uint64_t> PieceInHand::unwritten_at(PipePeek& peek)
{
    if (is_empty(pipe_.get())) return std::nullopt;
    std::int64_t at = written_whole;
    if (::pread(mark_.get(), &at, sizeof at, 0) == sizeof at && at >= 0)
        return static_cast<std::uint64_t>(at);
    let_go(peek);
    return std::nullopt;
}

void PieceInHand::let_go(PipePeek& peek)
{
    (void)set_mark(written_whole);
    while (!is_empty(pipe_.get()) && peek.drop(pipe_.get(), PipePeek::look_max) > 0) {
    }
}

bool PieceInHand::set_mark(std::int64_t value)
{
    return ::pwrite(mark_.get(), &value, sizeof value, 0) == sizeof value;
}

} // namespace keel::sys
