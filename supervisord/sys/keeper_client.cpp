#include "sys/keeper_client.hpp"

#include "base/ensure.hpp"
#include "sys/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

namespace keel::sys {

using namespace std::chrono_literals;
using wire::Kind;
using wire::Record;

namespace {

constexpr std::size_t queue_limit = 32768;
constexpr std::size_t records_per_turn = 512; ///< the rest waits for the next turn of the loop
constexpr Duration retry_delay = 1ms;
constexpr Duration last_words_limit = 1s;

int poll_milliseconds(MonoTime until)
{
    const Duration left = std::max(until - read_mono(), Duration::zero());
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

} // namespace

KeeperClient::KeeperClient(ports::Loop& loop, int fd) : loop_(loop), fd_(fd) {}

// ---- sending ------------------------------------------------------------------------------------

void KeeperClient::send(Kind kind, std::uint64_t id, std::string_view text, int value, OwnedFd fd)
{
    Outgoing item;
    item.record.kind = kind;
    item.record.id = id;
    item.record.value = value;
    item.fd = std::move(fd);
    const std::size_t length = std::min(text.size(), sizeof item.record.text - 1);
    std::replace_copy_if(
        text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length), item.record.text,
        [](char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; }, ' ');
    if (queue_.empty() && try_send(item) != Sent::full) return;
    if (queue_.size() == queue_limit) {
        ++dropped_;
        return;
    }
    queue_.push_back(std::move(item));
    if (!retry_) retry_ = loop_.after(retry_delay, [this] { flush(); });
}

KeeperClient::Sent KeeperClient::try_send(const Outgoing& item)
{
    Record record = item.record;
    iovec part{&record, sizeof record};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    if (item.fd) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        const int fd = item.fd.get();
        std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    if (::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) return Sent::yes;
    return errno == EAGAIN || errno == ETOOMANYREFS || errno == ENOBUFS ? Sent::full : Sent::lost;
}

void KeeperClient::flush()
{
    retry_.reset();
    while (!queue_.empty() && try_send(queue_.front()) != Sent::full)
        queue_.pop_front();
    if (!queue_.empty()) retry_ = loop_.after(retry_delay, [this] { flush(); });
}

void KeeperClient::acknowledge(SpawnId id) { send(Kind::acknowledge, number(id)); }
void KeeperClient::heartbeat() { send(Kind::heartbeat); }
void KeeperClient::stopping() { send(Kind::notify, 0, "STOPPING=1"); }
void KeeperClient::drop(std::uint64_t key) { send(Kind::drop, key); }
void KeeperClient::fetch(std::uint64_t key) { send(Kind::fetch, key); }

void KeeperClient::ready()
{
    send(Kind::ready);
    send(Kind::notify, 0, "READY=1");
}

void KeeperClient::status(std::string_view text)
{
    // A character cut in two would make systemd refuse the whole line.
    std::size_t length = std::min<std::size_t>(text.size(), 80);
    while (length > 0 && length < text.size() && (text[length] & '\xc0') == '\x80')
        --length;
    send(Kind::notify, 0, fmt::format("STATUS={}", text.substr(0, length)));
}

void KeeperClient::extend_timeout(Duration by)
{
    const auto us = std::chrono::ceil<std::chrono::microseconds>(by).count();
    send(Kind::notify, 0, fmt::format("EXTEND_TIMEOUT_USEC={}", us));
}

void KeeperClient::hold(std::uint64_t key, int fd)
{
    OwnedFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy) {
        loop_.defer([this, key] {
            if (orders_.on_hold_refused) orders_.on_hold_refused(key);
        });
        return;
    }
    send(Kind::hold, key, {}, 0, std::move(copy));
}

void KeeperClient::exit(int code)
{
    send(Kind::exit, 0, {}, code);
    const MonoTime until = read_mono() + last_words_limit;
    for (flush(); !queue_.empty() && read_mono() < until; flush()) {
        pollfd channel{fd_, POLLOUT, 0};
        ::poll(&channel, 1, poll_milliseconds(until));
    }
}

// ---- receiving ----------------------------------------------------------------------------------

bool KeeperClient::receive(Incoming& item)
{
    Record raw;
    for (;;) {
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
        iovec part{&raw, sizeof raw};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const ssize_t size = ::recvmsg(fd_, &message, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
        item.fd.reset();
        const cmsghdr* head = size > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
        if (head != nullptr && head->cmsg_type == SCM_RIGHTS) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
            item.fd = OwnedFd(fd);
        }
        if (size == 0) lost_ = true;
        if (size < 0 && errno != EAGAIN && errno != EINTR) lost_ = true;
        if (size <= 0) return false;
        if (wire::decode(wire::Reader::engine, &raw, static_cast<std::size_t>(size), item.record))
            return true;
    }
}

KeeperClient::Listing KeeperClient::list(Duration limit)
{
    ENSURE(!watch_, "the keeper tells its list once");
    Listing listing;
    const MonoTime until = read_mono() + limit;
    while (!listing.complete && !lost_ && read_mono() < until) {
        Incoming item;
        const Record& record = item.record;
        if (!receive(item)) {
            flush();
            pollfd channel{fd_, POLLIN, 0};
            ::poll(&channel, 1, queue_.empty() ? poll_milliseconds(until) : 1);
        } else if (record.kind == Kind::child) {
            listing.children.push_back(record);
        } else if (record.kind == Kind::list_end) {
            listing.complete = true;
        } else {
            if (record.kind == Kind::exited) listing.ends.push_back(record);
            backlog_.push_back(std::move(item));
        }
    }
    loop_.defer([this] { dispatch_backlog(); });
    watch_ = loop_.watch_fd(fd_, ports::Interest::readable, [this](ports::FdEvents) { read(); });
    return listing;
}

/// All at once: what the listing held comes before anything that is deferred after it.
void KeeperClient::dispatch_backlog()
{
    for (Incoming& item : std::exchange(backlog_, {}))
        dispatch(std::move(item));
}

void KeeperClient::read()
{
    dispatch_backlog();
    Incoming item;
    for (std::size_t count = 0; count < records_per_turn && !lost_ && receive(item); ++count)
        dispatch(std::move(item));
    if (!lost_ || !watch_) return;
    watch_.reset();
    if (orders_.on_keeper_lost) orders_.on_keeper_lost();
}

void KeeperClient::dispatch(Incoming item)
{
    const Record& record = item.record;
    const auto call = [](const auto& handler, auto... arguments) {
        if (handler) handler(std::move(arguments)...);
    };
    switch (record.kind) {
    case Kind::exited: return call(on_exited_, record);
    case Kind::orders:
        if ((record.value & wire::shutdown) != 0) call(orders_.on_shutdown);
        if ((record.value & wire::leave) != 0) call(orders_.on_leave);
        if ((record.value & wire::apply) != 0) call(orders_.on_apply);
        return;
    case Kind::hold_refused: return call(orders_.on_hold_refused, record.id);
    case Kind::held:
        if (item.fd) call(on_held_, record.id, std::move(item.fd));
        return;
    case Kind::not_held: return call(on_held_, record.id, OwnedFd());
    case Kind::child:
    case Kind::list_end:
    case Kind::hello:
    case Kind::acknowledge:
    case Kind::heartbeat:
    case Kind::ready:
    case Kind::notify:
    case Kind::exit:
    case Kind::hold:
    case Kind::fetch:
    case Kind::drop: return;
    }
}

} // namespace keel::sys
