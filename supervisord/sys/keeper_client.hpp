// The engine's end of the channel to the keeper (keeper/wire.hpp).
//
// Reads records on the loop and passes them on, from list() on; sends without ever blocking the
// loop: what does not fit into the channel waits in a bounded queue, in order. Whatever of it
// should be lost with this engine, the keeper tells the next one again.
#pragma once
#include "base/ids.hpp"
#include "base/owned_fd.hpp"
#include "base/time.hpp"
#include "keeper/wire.hpp"
#include "ports/loop.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>
#include <vector>

namespace keel::sys {

class KeeperClient {
public:
    /// `fd` stays the caller's.
    explicit KeeperClient(ports::Loop& loop, int fd = wire::engine_fd);
    KeeperClient(const KeeperClient&) = delete;
    KeeperClient& operator=(const KeeperClient&) = delete;

    /// What people and systemd ask of the whole daemon, and what befalls it.
    struct Orders {
        std::function<void()> on_shutdown;    ///< stop all units in order, then exit()
        std::function<void()> on_apply;       ///< put the changed configuration into force
        std::function<void()> on_leave;       ///< exit(0) and leave all units running
        std::function<void()> on_keeper_lost; ///< end this process; the next keeper adopts
        std::function<void(std::uint64_t key)> on_hold_refused;
    };
    void set_orders(Orders orders) { orders_ = std::move(orders); }

    /// Ends of processes, each told once; for the Spawner.
    void on_exited(std::function<void(const wire::Record&)> handler)
    {
        on_exited_ = std::move(handler);
    }

    /// Waits for all that the keeper knew when this engine began, `limit` at the most. Ends come
    /// later, by on_exited; they are listed here as well. To be called once; before that nothing
    /// is heard.
    struct Listing {
        std::vector<wire::Record> children, ends;
        bool complete = false; ///< false: the keeper did not answer in time
    };
    [[nodiscard]] Listing list(Duration limit = std::chrono::seconds(10));

    void acknowledge(SpawnId id);
    void heartbeat(); ///< every 5 s; the keeper kills an engine that stops for 20 s
    void ready();     ///< first good turn; READY=1
    void status(std::string_view text); ///< for systemctl status, cut to 80 bytes
    void stopping();
    void extend_timeout(Duration by); ///< of systemd's patience with the start or the stop
    /// The keeper will leave with this code once this process has ended. Waits up to a second for
    /// all that is queued to be sent, since nobody else would.
    void exit(int code);

    /// The keeper keeps a duplicate of `fd` open under `key` (not 0) until drop(key).
    void hold(std::uint64_t key, int fd);
    void drop(std::uint64_t key);
    /// Asks for what is held under `key`, which on_held answers: with a descriptor, or with an
    /// empty one if nothing is. An answer may be lost where the channel is full: ask again.
    void fetch(std::uint64_t key);
    void on_held(std::function<void(std::uint64_t key, OwnedFd fd)> handler)
    {
        on_held_ = std::move(handler);
    }

    [[nodiscard]] std::uint64_t dropped() const { return dropped_; } ///< records the queue refused

private:
    struct Incoming {
        wire::Record record;
        OwnedFd fd;
    };
    struct Outgoing {
        wire::Record record;
        OwnedFd fd;
    };
    enum class Sent : std::uint8_t { yes, full, lost };

    void send(wire::Kind kind, std::uint64_t id = 0, std::string_view text = {}, int value = 0,
              OwnedFd fd = {});
    Sent try_send(const Outgoing& item);
    void flush();
    void read();
    void dispatch_backlog();
    bool receive(Incoming& item);
    void dispatch(Incoming item);

    ports::Loop& loop_;
    const int fd_;
    Orders orders_;
    std::function<void(const wire::Record&)> on_exited_;
    std::function<void(std::uint64_t, OwnedFd)> on_held_;
    std::deque<Outgoing> queue_;
    std::vector<Incoming> backlog_; ///< read during list(), to be dispatched in order
    std::uint64_t dropped_ = 0;
    bool lost_ = false;
    ports::Loop::Registration watch_;
    ports::Loop::Registration retry_;
};

} // namespace keel::sys
