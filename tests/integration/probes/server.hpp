// A server on the loopback whose behaviour is a function: it is called on a thread of its own with
// each accepted connection, which is closed on its return.
#pragma once
#include "base/owned_fd.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <list>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>

namespace keel::test {

/// Something that happened once, told from one thread to another.
class Signal {
public:
    Signal() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    void set() const
    {
        is_set_ = true; // what was done before it is seen by whoever sees it; poll is no such sight
        ::eventfd_write(event_.get(), 1);
    }
    /// Blocks until it is set; false after a time that only a defect takes.
    [[nodiscard]] bool wait() const
    {
        pollfd fd{event_.get(), POLLIN, 0};
        return ::poll(&fd, 1, 30'000) == 1 && is_set_;
    }
    [[nodiscard]] bool is_set() const { return is_set_; }
    [[nodiscard]] int fd() const { return event_.get(); }

private:
    OwnedFd event_;
    mutable std::atomic<bool> is_set_ = false;
};

/// One accepted connection, seen from the server.
class Peer {
public:
    Peer(OwnedFd socket, int stop) : socket_(std::move(socket)), stop_(stop) {}

    /// False: the client has gone, or the server is to stop.
    bool wait_readable(int timeout = -1) const { return wait(POLLIN, timeout) == Waited::happened; }

    /// Until there is a blank line, the end, or a stop.
    [[nodiscard]] std::string read_request() const
    {
        std::string request;
        std::array<char, 4096> buffer{};
        while (request.find("\r\n\r\n") == std::string::npos && wait_readable()) {
            const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
            if (count <= 0) break;
            request.append(buffer.data(), static_cast<std::size_t>(count));
        }
        return request;
    }

    /// What there is, at most `limit` bytes; empty at the end.
    [[nodiscard]] std::string read_some(std::size_t limit = 4096) const
    {
        std::string data(limit, '\0');
        if (!wait_readable()) return {};
        const ssize_t count = ::recv(socket_.get(), data.data(), data.size(), 0);
        data.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return data;
    }

    /// False: the client has gone, or the server is to stop.
    bool write(std::string_view data) const
    {
        while (!data.empty()) {
            if (wait(POLLOUT, -1) != Waited::happened) return false;
            const ssize_t count =
                ::send(socket_.get(), data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (count < 0 && errno == EAGAIN) continue;
            if (count < 0) return false;
            data.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }

    /// One byte each `interval` milliseconds until the text, the client or the server ends.
    void drip(std::string_view data, int interval) const
    {
        for (const char& byte : data) {
            if (!write({&byte, 1})) return;
            if (wait(POLLRDHUP, interval) != Waited::timed_out) return;
        }
    }

    /// Until the client closes or the server is to stop.
    void hold() const { (void)wait(POLLRDHUP, -1); }

    void close_by_reset()
    {
        const linger reset{1, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        socket_.reset();
    }

    /// The client has not closed its side yet.
    [[nodiscard]] bool is_open() const { return wait(POLLRDHUP, 0) == Waited::timed_out; }

    [[nodiscard]] int fd() const { return socket_.get(); }

private:
    enum class Waited { happened, timed_out, stopped };
    [[nodiscard]] Waited wait(short events, int timeout) const
    {
        std::array<pollfd, 2> fds{{{socket_.get(), events, 0}, {stop_, POLLIN, 0}}};
        if (::poll(fds.data(), fds.size(), timeout) == 0) return Waited::timed_out;
        return fds[1].revents != 0 ? Waited::stopped : Waited::happened;
    }

    OwnedFd socket_;
    int stop_;
};

class Server {
public:
    using Behaviour = std::function<void(Peer&)>;

    explicit Server(Behaviour behaviour) : behaviour_(std::move(behaviour))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        listen_on(AF_INET, reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    Server(Behaviour behaviour, const std::string& socket_path) : behaviour_(std::move(behaviour))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
        listen_on(AF_UNIX, reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    ~Server()
    {
        ::eventfd_write(stop_.get(), 1);
        acceptor_.join();
        for (std::thread& each : peers_)
            each.join();
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    [[nodiscard]] std::string port() const
    {
        sockaddr_in address{};
        socklen_t length = sizeof address;
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
        return std::to_string(ntohs(address.sin_port));
    }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + port(); }
    [[nodiscard]] std::string url(const std::string& path = "/") const
    {
        return "http://" + address() + path;
    }
    [[nodiscard]] int accepted() const { return accepted_; }

private:
    void listen_on(int family, const sockaddr* address, socklen_t length)
    {
        listener_ = OwnedFd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        stop_ = OwnedFd(::eventfd(0, EFD_CLOEXEC));
        if (::bind(listener_.get(), address, length) != 0 || ::listen(listener_.get(), 64) != 0)
            std::abort();
        acceptor_ = std::thread([this] { accept_all(); });
    }

    void accept_all()
    {
        for (;;) {
            std::array<pollfd, 2> fds{{{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
            ::poll(fds.data(), fds.size(), -1);
            if (fds[1].revents != 0) return;
            OwnedFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!socket) continue;
            ++accepted_;
            peers_.emplace_back([this, socket = std::move(socket)]() mutable {
                Peer peer(std::move(socket), stop_.get());
                behaviour_(peer);
            });
        }
    }

    const Behaviour behaviour_;
    OwnedFd listener_;
    OwnedFd stop_;
    std::atomic<int> accepted_ = 0;
    std::list<std::thread> peers_; ///< the acceptor's alone until it has been joined
    std::thread acceptor_;
};

/// A whole answer that says how long it is.
inline std::string http_answer(const std::string& status, const std::string& body,
                               const std::string& more_headers = "")
{
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           more_headers + "\r\n" + body;
}

/// Reads a request and answers it.
inline Server::Behaviour answering(const std::string& answer)
{
    return [answer](Peer& peer) {
        (void)peer.read_request();
        peer.write(answer);
        peer.hold();
    };
}

} // namespace keel::test
