// OwnedFd: a descriptor that is closed with its owner. It knows nothing of what is behind it.
#pragma once
#include <unistd.h>
#include <utility>

namespace keel {

class OwnedFd {
public:
    OwnedFd() = default;
    /// Takes it over; -1 is none.
    explicit OwnedFd(int fd) : fd_(fd) {}
    OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    OwnedFd& operator=(OwnedFd&& other) noexcept
    {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~OwnedFd() { reset(); }

    [[nodiscard]] int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    /// Gives it to whoever closes it instead.
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }
    /// Closes it now.
    void reset()
    {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

private:
    int fd_ = -1;
};

} // namespace keel
