#include "probes/tcp_attempt.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <sys/socket.h>
#include <utility>

namespace keel::probes {

using core::VerdictKind;
using ports::Interest;

namespace {

constexpr std::size_t shown_max = 64; // bytes of foreign text in a detail

int pending_error(int socket)
{
    int error = 0;
    socklen_t length = sizeof error;
    return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

/// On the loopback a socket that is given the very port it connects to is connected to itself.
bool is_connected_to_itself(int socket)
{
    transfer::SocketAddress ours, theirs;
    ours.length = theirs.length = sizeof ours.storage;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&ours.storage), &ours.length) != 0 ||
        ::getpeername(socket, reinterpret_cast<sockaddr*>(&theirs.storage), &theirs.length) != 0)
        return false;
    const auto bytes = [](const transfer::SocketAddress& address) {
        return std::string_view(reinterpret_cast<const char*>(&address.storage), address.length);
    };
    return bytes(ours) == bytes(theirs);
}

bool is_ours(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
           error == EADDRNOTAVAIL || error == EAGAIN;
}

std::string text_of(int error)
{
    const char* text = ::strerrordesc_np(error);
    if (error == ECONNREFUSED) return "connection refused";
    return text != nullptr ? text : "unknown error";
}

} // namespace

TcpAttempt::TcpAttempt(ports::Loop& loop, transfer::Resolver& resolver, units::TcpTarget target,
                       Duration timeout, Finished finished)
    : Attempt(loop, timeout, std::move(finished)), resolver_(resolver), target_(std::move(target))
{}

void TcpAttempt::close()
{
    lookup_.reset();
    share_.reset();
    watch_.reset();
    if (!socket_) return;
    const linger reset{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    socket_.reset();
}

// ---- connecting ---------------------------------------------------------------------------------

void TcpAttempt::begin()
{
    const auto parts = transfer::split_host_port(target_.address);
    if (!parts) return unknown(VerdictKind::internal, "no address: " + target_.address);
    port_ = parts->port;
    if (auto known = transfer::known_addresses(parts->host))
        return on_resolved({transfer::Resolution::Kind::found, std::move(*known), {}});
    lookup_ = resolver_.resolve(
        parts->host, [this](const transfer::Resolution& resolution) { on_resolved(resolution); });
}

void TcpAttempt::on_resolved(const transfer::Resolution& resolution)
{
    switch (resolution.kind) {
    case transfer::Resolution::Kind::missing: return fail(VerdictKind::dns, resolution.text);
    case transfer::Resolution::Kind::unavailable: return unknown(VerdictKind::dns, resolution.text);
    case transfer::Resolution::Kind::found: break;
    }
    addresses_.assign(resolution.addresses.rbegin(), resolution.addresses.rend());
    connect_next();
}

void TcpAttempt::connect_next()
{
    watch_.reset();
    socket_.reset();
    if (addresses_.size() > 1)
        share_ = loop_.after(remaining() / static_cast<int>(addresses_.size()),
                             [this] { connect_next(); });
    else
        share_.reset();
    const auto address = transfer::socket_address(addresses_.back(), port_);
    addresses_.pop_back();
    if (!address) return connect_failed(EAFNOSUPPORT);
    socket_ = OwnedFd(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) return connect_failed(errno);
    if (::connect(socket_.get(), address->get(), address->length) != 0 && errno != EINPROGRESS)
        return connect_failed(errno);
    watch(Interest::writable);
}

void TcpAttempt::connect_failed(int error)
{
    if (!addresses_.empty() && !is_ours(error)) return connect_next();
    if (is_ours(error)) return unknown(VerdictKind::internal, "cannot connect: " + text_of(error));
    if (error == ETIMEDOUT) return fail(VerdictKind::timeout, "no connection");
    if (error == ECONNRESET) return fail(VerdictKind::reset, "connection reset");
    fail(VerdictKind::refused, text_of(error));
}

void TcpAttempt::on_connected()
{
    if (is_connected_to_itself(socket_.get())) return connect_failed(ECONNREFUSED);
    connected_ = true;
    share_.reset();
    if (target_.send.empty() && target_.expect.empty())
        return pass(fmt::format("connected in {}", to_human(elapsed())));
    if (target_.send.empty()) watch(Interest::readable);
}

// ---- sending and receiving ----------------------------------------------------------------------

void TcpAttempt::watch(Interest interest)
{
    watch_.reset();
    watch_ = loop_.watch_fd(socket_.get(), interest,
                            [this](ports::FdEvents events) { exchange(events); });
}

void TcpAttempt::exchange(ports::FdEvents events)
{
    if (!connected_) {
        if (const int error = pending_error(socket_.get()); error != 0)
            return connect_failed(error);
        on_connected();
        if (is_finished() || !connected_) return;
    }
    if (events.writable && sent_ < target_.send.size()) {
        if (!send_more() || sent_ < target_.send.size()) return;
        if (target_.expect.empty())
            return pass(fmt::format("connected and sent in {}", to_human(elapsed())));
        return watch(Interest::readable);
    }
    if (events.readable && sent_ == target_.send.size()) receive();
}

bool TcpAttempt::send_more()
{
    const ssize_t count = ::send(socket_.get(), target_.send.data() + sent_,
                                 target_.send.size() - sent_, MSG_NOSIGNAL);
    if (count >= 0) {
        sent_ += static_cast<std::size_t>(count);
        return true;
    }
    if (errno == EAGAIN || errno == EINTR) return true;
    // What the target said before it hung up tells more than that it did.
    receive();
    return false;
}

void TcpAttempt::receive()
{
    std::array<char, 16 << 10> buffer;
    const ssize_t count = ::recv(socket_.get(), buffer.data(),
                                 std::min(buffer.size(), received_max - received_.size()), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) return fail(VerdictKind::reset, "connection reset" + received_so_far());
    if (count == 0) return on_closed();
    // What was expected may have begun in what came before.
    const std::size_t from = received_.size() - std::min(received_.size(), target_.expect.size());
    received_.append(buffer.data(), static_cast<std::size_t>(count));
    on_received(from);
}

void TcpAttempt::on_received(std::size_t from)
{
    if (!target_.expect.empty() && received_.find(target_.expect, from) != std::string::npos)
        return pass(
            fmt::format("{} in {}", printable(target_.expect, shown_max), to_human(elapsed())));
    if (received_.size() >= received_max)
        fail(VerdictKind::body,
             fmt::format("no `{}` in the first 64 KiB", printable(target_.expect, shown_max)));
}

void TcpAttempt::on_closed()
{
    if (received_.empty()) return fail(VerdictKind::reset, "connection closed without an answer");
    fail(VerdictKind::body, fmt::format("no `{}` in the answer{}",
                                        printable(target_.expect, shown_max), received_so_far()));
}

void TcpAttempt::on_timeout()
{
    if (lookup_ && !socket_)
        return unknown(VerdictKind::dns, "no answer from the resolver within " + limit());
    if (!connected_) return fail(VerdictKind::timeout, "no connection within " + limit());
    if (received_.empty()) return fail(VerdictKind::timeout, "no answer within " + limit());
    fail(VerdictKind::timeout,
         fmt::format("no `{}` within {}{}", printable(target_.expect, shown_max), limit(),
                     received_so_far()));
}

std::string TcpAttempt::received_so_far() const
{
    if (received_.empty()) return {};
    return fmt::format(", got `{}`", printable(received_, shown_max));
}

} // namespace keel::probes
