// TLS in front of the HTTP server: on a thread of its own, connections that come encrypted become
// plain ones.
//
// A handshake costs milliseconds of computing, and anybody may ask for one; on the loop's thread a
// few hundred at once would keep every unit waiting. Here they cost the loop nothing, and the
// thread gives way to it. The HTTP server sees a local socket in place of each connection, so all
// that it limits holds as it does without TLS: who has not sent a whole request in time, handshake
// included, is cut off. libmicrohttpd's own TLS was not taken as it works on the loop.
//
// What it holds itself is bounded: so many connections, two buffers for each, and some time for a
// client to take what was said last.
#pragma once
#include "base/owned_fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <cstddef>
#include <memory>
#include <thread>

struct ssl_ctx_st; // of OpenSSL

namespace keel::control {

class TlsFront {
public:
    struct Limits {
        std::size_t connections = 256;
        Duration leaving_time = std::chrono::seconds(30); ///< to take what is left
    };
    static Result<std::unique_ptr<TlsFront>> start(Limits limits);
    /// Ends all connections.
    ~TlsFront();
    TlsFront(const TlsFront&) = delete;
    TlsFront& operator=(const TlsFront&) = delete;

    /// For connections that come from now on; those that are there keep what they have.
    void use(std::shared_ptr<ssl_ctx_st> context);

    /// Takes the connection over. What comes back speaks plainly; none: it was turned away.
    [[nodiscard]] OwnedFd admit(OwnedFd connection);

private:
    class Worker;
    struct Shared;
    explicit TlsFront(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

    std::shared_ptr<Shared> shared_;
    std::thread thread_;
};

} // namespace keel::control
