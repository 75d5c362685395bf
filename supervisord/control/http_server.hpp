// An HTTP/1.1 server on ports::Loop: libmicrohttpd's epoll descriptor inside the loop's own.
//
// Promises: it never blocks and has no thread; without connections it has no timer; a stranger is
// limited in everything: connections, size of head and body, time to say what he wants, time to
// take the answer. It knows no route and no role: every request goes to one handler.
//
// It accepts connections itself and hands them to libmicrohttpd, which would leave those beyond its
// limit waiting unseen in the kernel's queue. Here they are told 503 at once, and the last places
// are kept for callers that `may_have_last_place`.
#pragma once
#include "base/owned_fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "control/http.hpp"
#include "ports/loop.hpp"

#include <cstddef>
#include <functional>
#include <memory>

namespace keel::control {

struct HttpLimits {
    unsigned connections = 256;
    unsigned reserved = 16;             ///< of them, for those that may have the last places
    std::size_t head_bytes = 16U << 10; ///< request line and headers; beyond: 431
    std::size_t body_bytes = 64U << 10; ///< beyond: 413
    Duration request_time = std::chrono::seconds(5); ///< from accepting to a complete request
    Duration idle_time = std::chrono::seconds(10);   ///< of a kept connection
    Duration answer_time = std::chrono::seconds(60); ///< to take an answer that is no stream
    Duration stream_time = std::chrono::seconds(60); ///< to take the next piece of a steady stream
};

/// What is asked about a connection before anything is read of it.
struct HttpDoor {
    /// Whether it may have one of the last places; none: nobody may.
    std::function<bool(int)> may_have_last_place = {};
    /// Gives what speaks HTTP in its place, or nothing for one that was turned away; none: it
    /// speaks HTTP itself.
    std::function<OwnedFd(OwnedFd)> unwrap = {};
};

class HttpServer {
public:
    /// `listener`: a listening socket, non-blocking; the server owns it from now on.
    static Result<std::unique_ptr<HttpServer>> start(ports::Loop& loop, int listener,
                                                     HttpLimits limits, HttpHandler handler,
                                                     HttpDoor door = {});

    /// Ends all connections. Not from inside the handler.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    [[nodiscard]] unsigned connections() const;

private:
    class Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace keel::control
