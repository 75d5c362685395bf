#include "control/acceptor.hpp"

#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace keel::control {
namespace {

/// At most so many in one turn, so that a flood of callers does not keep the units waiting.
constexpr int batch = 64;

constexpr std::string_view no_room =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Content-Type: application/problem+json\r\n"
    "Content-Length: 134\r\n"
    "Retry-After: 1\r\n"
    "Connection: close\r\n"
    "\r\n"
    R"({"type":"urn:keel:problem:busy","title":"Too many connections","status":503,)"
    R"("detail":"keeld serves as many clients as it may already"})";
static_assert(no_room.size() - (no_room.find("\r\n\r\n") + 4) == 134);

int open_spare() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

} // namespace

void turn_away(int fd)
{
    (void)!::send(fd, no_room.data(), no_room.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ::shutdown(fd, SHUT_WR);
    // Closing with unread bytes would reset the connection and take the answer with it.
    char ignored[4096];
    (void)!::recv(fd, ignored, sizeof ignored, MSG_DONTWAIT);
    ::close(fd);
}

Acceptor::Acceptor(ports::Loop& loop, int listener, Handler handler)
    : listener_(listener), spare_(open_spare()), handler_(std::move(handler)),
      watch_(loop.watch_fd(listener, ports::Interest::readable,
                           [this](ports::FdEvents) { accept_pending(); }))
{}

Acceptor::~Acceptor()
{
    watch_.reset();
    ::close(listener_);
    if (spare_ >= 0) ::close(spare_);
}

void Acceptor::accept_pending()
{
    for (int i = 0; i < batch; ++i) {
        Peername peer;
        const int fd = ::accept4(listener_, reinterpret_cast<sockaddr*>(&peer.storage),
                                 &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            handler_(fd, peer);
        } else if (errno == EMFILE || errno == ENFILE) {
            turn_one_away_without_descriptors();
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return; // EAGAIN: that was all
        }
    }
}

void Acceptor::turn_one_away_without_descriptors()
{
    if (spare_ >= 0) ::close(spare_);
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) turn_away(fd);
    spare_ = open_spare();
}

} // namespace keel::control
