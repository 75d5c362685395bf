#include "sys/notify_sockets.hpp"

#include "sys/fifo.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace keel::sys {

using namespace std::chrono_literals;

namespace {

constexpr unsigned datagrams_per_turn = 32;
constexpr unsigned datagrams_at_once = 1024; ///< more than the kernel lets a socket hold by default
constexpr Duration flood_pause = 10ms;
constexpr Duration asking_interval = 2s;
constexpr unsigned asking_tries = 3;
constexpr std::size_t descriptors_max = 253; ///< SCM_MAX_FD: the kernel passes no more at once

std::uint64_t key_of(SpawnId id) { return hold_key(fmt::format("notify/{}", number(id))); }

} // namespace

/// One datagram, with all that came along. Our copies of the descriptors are closed with it.
struct NotifySockets::Datagram {
    std::array<char, core::notice_bytes_max + 1> bytes;
    std::size_t size = 0;
    pid_t sender = 0; ///< 0: unknown, or not of our namespace
    bool cut = false; ///< longer than can be, or without some of what came along
    std::vector<OwnedFd> descriptors;

    /// Looks at the next one, which stays in the socket. False: there is none.
    bool peek(int socket);

private:
    void take_along(msghdr& message);
};

bool NotifySockets::Datagram::peek(int socket)
{
    alignas(cmsghdr)
        std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(descriptors_max * sizeof(int))>
            control{};
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    descriptors.clear();
    sender = 0;
    constexpr int how = MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC;
    const ssize_t got = ::recvmsg(socket, &message, how);
    if (got < 0) return false;
    size = std::min(static_cast<std::size_t>(got), bytes.size());
    cut = size > core::notice_bytes_max || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    take_along(message);
    return true;
}

void NotifySockets::Datagram::take_along(msghdr& message)
{
    for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr;
         head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET) continue;
        const std::size_t length = head->cmsg_len - CMSG_LEN(0);
        if (head->cmsg_type == SCM_RIGHTS)
            for (std::size_t at = 0; at + sizeof(int) <= length; at += sizeof(int)) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(head) + at, sizeof fd);
                descriptors.emplace_back(fd);
            }
        if (head->cmsg_type == SCM_CREDENTIALS && length >= sizeof(ucred)) {
            ucred credentials{};
            std::memcpy(&credentials, CMSG_DATA(head), sizeof credentials);
            sender = credentials.pid;
        }
    }
}

// ---- opening and closing ------------------------------------------------------------------------

NotifySockets::NotifySockets(ports::Loop& loop, NotifyOptions options)
    : loop_(loop), options_(std::move(options))
{}

NotifySockets::~NotifySockets() = default;

std::filesystem::path NotifySockets::path_of(SpawnId id) const
{
    return options_.dir / std::to_string(number(id));
}

Result<OwnedFd> NotifySockets::bind_at(SpawnId id) const
{
    const std::string path = path_of(id).string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return Error{"bind notify socket", path, ENAMETOOLONG};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (::mkdir(options_.dir.c_str(), 0711) != 0 && errno != EEXIST)
        return Error::from_errno("make folder", options_.dir);
    OwnedFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return Error::from_errno("notify socket", path);
    // Before the first datagram: the kernel notes who sends only where somebody wants to know.
    const int on = 1;
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return Error::from_errno("notify socket", path);
    ::unlink(path.c_str());
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return Error::from_errno("bind notify socket", path);
    ::chmod(path.c_str(), 0666); // bind heeds the umask
    return fd;
}

Result<std::string> NotifySockets::open(SpawnId id)
{
    auto bound = bind_at(id);
    if (!bound) return bound.error();
    if (options_.hold) options_.hold(key_of(id), bound->get());
    begin(id, std::move(*bound));
    return path_of(id).string();
}

void NotifySockets::begin(SpawnId id, OwnedFd fd)
{
    sockets_[id].fd = std::move(fd);
    watch(id);
}

void NotifySockets::watch(SpawnId id)
{
    Socket& socket = sockets_.at(id);
    socket.pause.reset();
    socket.watch = loop_.watch_fd(socket.fd.get(), ports::Interest::readable,
                                  [this, id](ports::FdEvents) { read_some(id); });
}

void NotifySockets::close(SpawnId id)
{
    const auto found = sockets_.find(id);
    if (found == sockets_.end()) return;
    hear(id);
    const unsigned refused = found->second.refused;
    if (refused > 1 && handlers_.on_trouble)
        handlers_.on_trouble(id, fmt::format("{} notices in all were not heeded", refused));
    sockets_.erase(id);
    if (options_.drop) options_.drop(key_of(id));
    ::unlink(path_of(id).c_str());
}

// ---- taking over --------------------------------------------------------------------------------

void NotifySockets::take_over(const std::vector<SpawnId>& living)
{
    std::error_code failed;
    std::filesystem::directory_iterator entry(options_.dir, failed);
    for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
        const std::string name = entry->path().filename().native();
        std::uint64_t spawn = 0;
        const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), spawn);
        if (bad != std::errc{} || end != name.data() + name.size()) continue;
        if (std::find(living.begin(), living.end(), SpawnId{spawn}) != living.end()) continue;
        if (options_.drop) options_.drop(key_of(SpawnId{spawn}));
        ::unlink(entry->path().c_str());
    }
    for (const SpawnId id : living)
        sockets_[id];
    ask_keeper(asking_tries);
}

/// Its answers may be lost, and a keeper of an older version gives none.
void NotifySockets::ask_keeper(unsigned tries_left)
{
    asking_.reset();
    std::vector<SpawnId> missing;
    for (const auto& [id, socket] : sockets_)
        if (!socket.fd) missing.push_back(id);
    if (missing.empty()) return;
    for (const SpawnId id : missing) {
        if (tries_left > 0 && options_.fetch)
            options_.fetch(key_of(id));
        else
            take(key_of(id), {});
    }
    if (tries_left > 0)
        asking_ = loop_.after(asking_interval, [this, tries_left] { ask_keeper(tries_left - 1); });
}

void NotifySockets::take(std::uint64_t key, OwnedFd fd)
{
    const auto found = std::find_if(sockets_.begin(), sockets_.end(), [key](const auto& entry) {
        return !entry.second.fd && key_of(entry.first) == key;
    });
    if (found == sockets_.end()) return;
    const SpawnId id = found->first;
    if (fd) return begin(id, std::move(fd));
    // The keeper is a new one. What was said in between is lost; what comes now is heard again.
    if (auto bound = bind_at(id)) {
        if (options_.hold) options_.hold(key_of(id), bound->get());
        begin(id, std::move(*bound));
    } else {
        if (handlers_.on_trouble)
            handlers_.on_trouble(id, "it is not heard any more: " + bound.error().text());
        sockets_.erase(id);
    }
}

// ---- reading ------------------------------------------------------------------------------------

void NotifySockets::read_some(SpawnId id)
{
    if (read(id, datagrams_per_turn) == Left::nothing) return;
    const auto found = sockets_.find(id);
    if (found == sockets_.end()) return;
    found->second.watch.reset();
    found->second.pause = loop_.after(flood_pause, [this, id] { watch(id); });
}

void NotifySockets::hear(SpawnId id) { (void)read(id, datagrams_at_once); }

NotifySockets::Left NotifySockets::read(SpawnId id, unsigned datagrams_max)
{
    Datagram datagram;
    for (unsigned count = 0; count < datagrams_max; ++count) {
        const auto found = sockets_.find(id); // a handler may have closed it
        if (found == sockets_.end() || !found->second.fd) return Left::nothing;
        if (!datagram.peek(found->second.fd.get())) return Left::nothing;
        deliver(id, datagram);
        const auto still = sockets_.find(id);
        if (still == sockets_.end()) return Left::nothing;
        char nothing = 0;
        (void)::recv(still->second.fd.get(), &nothing, 0, MSG_DONTWAIT);
    }
    return Left::perhaps_more;
}

void NotifySockets::deliver(SpawnId id, Datagram& datagram)
{
    if (datagram.cut)
        return refuse(id, fmt::format("a notice of process {} was not heeded: it is too long",
                                      datagram.sender));
    core::Notice notice = core::parse_notice({datagram.bytes.data(), datagram.size});
    if (datagram.sender <= 0 || !options_.has_member(id, datagram.sender))
        return refuse(id, fmt::format("a notice of process {} was not heeded: it is gone, or "
                                      "none of this unit's",
                                      datagram.sender));
    if (notice.main && !options_.has_member(id, *notice.main)) {
        refuse(id, fmt::format("MAINPID={} was not heeded: it is gone, or none of this unit's",
                               *notice.main));
        notice.main.reset();
    }
    if (handlers_.on_notice) handlers_.on_notice(id, notice);
    // Whoever waits at a barrier is let go when its descriptor is closed: here, by now all that it
    // said before has been seen to, and in the socket when the datagram is taken out.
    datagram.descriptors.clear();
}

/// The first is told, of the others the number in the end.
void NotifySockets::refuse(SpawnId id, const std::string& why)
{
    Socket& socket = sockets_.at(id);
    if (socket.refused++ == 0 && handlers_.on_trouble) handlers_.on_trouble(id, why);
}

} // namespace keel::sys
