// ports::Notices: a datagram socket per spawn at RUN/notify/NUMBER, held by the keeper as well.
//
// A path, not an abstract name: that would be of one network namespace, so that a unit or container
// with a network of its own could not speak, and its owner could not be told by looking. The folder
// can be entered and not listed, and anybody may send, since a service may have left its first user
// behind before it is ready. So it is the sender that counts: by the credentials that the kernel
// attaches it must be a process of that spawn. One that is gone by the time it is read cannot be
// checked and is not heeded; sd_notify's barrier, which systemd-notify uses, keeps it waiting.
//
// What is sent while no engine runs waits in the socket, until it is full (the kernel's
// net.unix.max_dgram_qlen); then the sender waits, as with systemd. Reading is bounded: so many
// datagrams per turn and socket, and one that is flooded is left alone for a moment.
#pragma once
#include "base/owned_fd.hpp"
#include "ports/loop.hpp"
#include "ports/notices.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <sys/types.h>

namespace keel::sys {

struct NotifyOptions {
    std::filesystem::path dir;
    /// The keeper's keeping (keeper_client.hpp); the answer to fetch comes by take().
    std::function<void(std::uint64_t key, int fd)> hold;
    std::function<void(std::uint64_t key)> drop;
    std::function<void(std::uint64_t key)> fetch;
    std::function<bool(SpawnId, pid_t)> has_member;
};

class NotifySockets final : public ports::Notices {
public:
    NotifySockets(ports::Loop& loop, NotifyOptions options);
    ~NotifySockets() override;
    NotifySockets(const NotifySockets&) = delete;
    NotifySockets& operator=(const NotifySockets&) = delete;

    void set_handlers(Handlers handlers) override { handlers_ = std::move(handlers); }
    [[nodiscard]] Result<std::string> open(SpawnId id) override;
    void take_over(const std::vector<SpawnId>& living) override;
    void hear(SpawnId id) override;
    void close(SpawnId id) override;

    /// What the keeper held under that key; an empty one: nothing. Keys of others are ignored.
    void take(std::uint64_t key, OwnedFd fd);

private:
    struct Socket {
        OwnedFd fd; ///< none: the keeper is asked for it
        ports::Loop::Registration watch;
        ports::Loop::Registration pause; ///< after a flood, until it is watched again
        unsigned refused = 0;            ///< datagrams that were not heeded
    };
    struct Datagram;

    [[nodiscard]] std::filesystem::path path_of(SpawnId id) const;
    [[nodiscard]] Result<OwnedFd> bind_at(SpawnId id) const;
    void begin(SpawnId id, OwnedFd fd);
    void watch(SpawnId id);
    void read_some(SpawnId id);
    enum class Left : std::uint8_t { nothing, perhaps_more };
    Left read(SpawnId id, unsigned datagrams_max);
    void deliver(SpawnId id, Datagram& datagram);
    void refuse(SpawnId id, const std::string& why);
    void ask_keeper(unsigned tries_left);

    ports::Loop& loop_;
    const NotifyOptions options_;
    Handlers handlers_;
    std::map<SpawnId, Socket> sockets_;
    ports::Loop::Registration asking_; ///< until the keeper has answered for all
};

} // namespace keel::sys
