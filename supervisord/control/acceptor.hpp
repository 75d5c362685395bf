// Accepting connections on a listening socket, also when descriptors run out.
//
// When no descriptor is left, a pending connection would keep the listener readable for ever and
// the loop busy with it. A spare descriptor is given up for a moment then, and the caller is turned
// away. It refuses to know what is spoken on the connections.
#pragma once
#include "ports/loop.hpp"

#include <functional>
#include <sys/socket.h>

namespace keel::control {

struct Peername {
    sockaddr_storage storage{};
    socklen_t length = sizeof(sockaddr_storage);
    [[nodiscard]] const sockaddr* address() const
    {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
};

class Acceptor {
public:
    using Handler = std::function<void(int fd, const Peername& peer)>;

    /// Owns `listener` from now on. The handler owns each descriptor it is given, which is
    /// non-blocking and close-on-exec.
    Acceptor(ports::Loop& loop, int listener, Handler handler);
    ~Acceptor();
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;

private:
    void accept_pending();
    void turn_one_away_without_descriptors();

    int listener_;
    int spare_;
    Handler handler_;
    ports::Loop::Registration watch_;
};

/// Tells an HTTP client that there is no room for it (503) and closes the descriptor.
void turn_away(int fd);

} // namespace keel::control
