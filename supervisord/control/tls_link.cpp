#include "control/tls_link.hpp"

#include <cerrno>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>

namespace keel::control {
namespace {

/// So many buffers in one go, then it is the turn of others.
constexpr int moves_max = 16;

constexpr std::string_view speaks_tls =
    "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: application/problem+json\r\n"
    "Content-Length: 118\r\n"
    "Connection: close\r\n"
    "\r\n"
    R"({"type":"urn:keel:problem:tls","title":"This port speaks TLS","status":400,)"
    R"("detail":"ask again with https:// instead"})";
static_assert(speaks_tls.size() - (speaks_tls.find("\r\n\r\n") + 4) == 118);

/// Takes off what has come already: closing with unread bytes would reset the connection, and take
/// with it what was said last.
void leave(int fd)
{
    ::shutdown(fd, SHUT_WR);
    std::array<char, 4096> ignored;
    for (int i = 0; i < moves_max; ++i)
        if (::recv(fd, ignored.data(), ignored.size(), MSG_DONTWAIT) <= 0) return;
}

bool has_hung_up(int fd)
{
    char next = 0;
    return ::recv(fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

} // namespace

TlsLink::TlsLink(ssl_ctx_st& context, OwnedFd outside, OwnedFd inside)
    : outside_(std::move(outside)), inside_(std::move(inside)), ssl_(SSL_new(&context), SSL_free)
{
    broken_ = ssl_ == nullptr || SSL_set_fd(ssl_.get(), outside_.get()) != 1;
    if (!broken_) SSL_set_accept_state(ssl_.get());
}

TlsLink::~TlsLink() { leave(outside_.get()); }

/// Asked of the descriptor: the end itself is read only once the outside has taken what is before
/// it, which a stranger may put off for ever.
bool TlsLink::is_leaving() const
{
    pollfd inside{inside_.get(), POLLRDHUP, 0};
    return ::poll(&inside, 1, 0) > 0;
}

TlsLink::Next TlsLink::pump()
{
    if (broken_) return Next::over;
    if (!shaken_)
        if (const Next next = shake_hands(); !shaken_) return next;
    for (int moves = 0; moves < moves_max; ++moves) {
        bool moved = read_outside();
        moved = write_inside() || moved;
        moved = read_inside() || moved;
        moved = write_outside() || moved;
        if (broken_) return Next::over;
        if (inside_ended_ && outward_.empty()) {
            SSL_shutdown(ssl_.get());
            return Next::over;
        }
        if (!moved) return Next::wait;
    }
    return Next::again;
}

/// The inside, which counts the time, hangs up on who takes too long.
TlsLink::Next TlsLink::shake_hands()
{
    if (has_hung_up(inside_.get())) return Next::over;
    ERR_clear_error();
    const int outcome = SSL_do_handshake(ssl_.get());
    shaken_ = outcome == 1;
    if (shaken_ || wants_more(outcome)) return Next::wait;
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST)
        (void)!::send(outside_.get(), speaks_tls.data(), speaks_tls.size(),
                      MSG_DONTWAIT | MSG_NOSIGNAL);
    return Next::over;
}

bool TlsLink::wants_more(int outcome)
{
    const int error = SSL_get_error(ssl_.get(), outcome);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

bool TlsLink::read_outside()
{
    if (!inward_.empty() || outside_ended_) return false;
    ERR_clear_error();
    const int count =
        SSL_read(ssl_.get(), inward_.bytes.data(), static_cast<int>(inward_.bytes.size()));
    if (count > 0) {
        inward_.fill(static_cast<std::size_t>(count));
        return true;
    }
    const int error = SSL_get_error(ssl_.get(), count);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
    outside_ended_ = true;
    broken_ = error != SSL_ERROR_ZERO_RETURN; // Who has only finished speaking may listen still.
    return true;
}

bool TlsLink::write_inside()
{
    if (inward_.empty()) {
        if (!outside_ended_ || told_inside_) return false;
        told_inside_ = true;
        ::shutdown(inside_.get(), SHUT_WR);
        return true;
    }
    const auto text = inward_.text();
    const ssize_t count =
        ::send(inside_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    // Nobody reads it any more; what there is to answer may still come.
    inward_.from = count < 0 ? inward_.to : inward_.from + static_cast<std::size_t>(count);
    return true;
}

bool TlsLink::read_inside()
{
    if (!outward_.empty() || inside_ended_) return false;
    const ssize_t count =
        ::recv(inside_.get(), outward_.bytes.data(), outward_.bytes.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    inside_ended_ = count <= 0;
    if (count > 0) outward_.fill(static_cast<std::size_t>(count));
    return true;
}

bool TlsLink::write_outside()
{
    if (outward_.empty()) return false;
    ERR_clear_error();
    const auto text = outward_.text();
    const int count = SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
    if (count > 0) {
        outward_.from += static_cast<std::size_t>(count);
        return true;
    }
    broken_ = !wants_more(count);
    return false;
}

} // namespace keel::control
