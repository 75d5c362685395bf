#include "control/client.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace keel::control {
namespace {

using Kind = Trouble::Kind;
using std::chrono::steady_clock;

/// More than any answer has that is not a stream.
constexpr std::size_t body_bytes_max = 256U << 20;
constexpr timeval connect_patience{5, 0};
constexpr Duration replacement_patience = std::chrono::seconds(1);

Trouble unreachable(const std::string& path, int number)
{
    const std::string start =
        "start it (`systemctl start keel`), or name its place with --root DIR "
        "or KEEL_ROOT";
    if (number == ENOENT || number == ENOTDIR)
        return {Kind::unreachable, "keeld is not running here: there is no " + path, start};
    if (number == ECONNREFUSED)
        return {Kind::unreachable, "keeld is not running: nobody listens on " + path, start};
    if (number == EACCES || number == EPERM)
        return {Kind::not_allowed, "not allowed to connect to " + path,
                "ask as root, or be a member of the group that owns it"};
    if (number == EAGAIN)
        return {Kind::unreachable, "keeld does not accept connections on " + path,
                "it may be overloaded or stuck: `systemctl status keel`"};
    return {Kind::unreachable, Error{"connect to", path, number}.text(), start};
}

Trouble broke_off(const std::string& path)
{
    return {Kind::unreachable, "keeld ended the connection before it had answered (" + path + ")",
            "it may just have been restarted; `keel status` shows how things stand"};
}

Trouble garbled(const Error& error)
{
    return {Kind::garbled, error.text(), "is it keeld, and of the same version? `keel version`"};
}

std::string request_text(const Call::Spec& spec)
{
    std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: keel\r\nConnection: close\r\n",
                                   spec.method, spec.target);
    if (!spec.last_event_id.empty()) text += "Last-Event-ID: " + spec.last_event_id + "\r\n";
    if (!spec.idempotency_key.empty()) text += "Idempotency-Key: " + spec.idempotency_key + "\r\n";
    if (!spec.body.empty() || spec.method != "GET")
        text += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n",
                            spec.body.size());
    return text + "\r\n" + spec.body;
}

/// Milliseconds for poll(): rounded up, -1 without a deadline.
int wait_for_poll(const Deadline& deadline)
{
    if (!deadline) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1 << 30));
}

Trouble from_problem(int status, std::string_view body)
{
    const auto problem = decode_problem(body);
    if (!problem) return {Kind::refused, fmt::format("keeld answered with status {}", status), {}};
    Trouble trouble{Kind::refused, problem->detail, problem->hint};
    if (trouble.text.empty()) trouble.text = problem->title;
    if (status == 403) trouble.kind = Kind::not_allowed;
    if (status == 409) trouble.kind = Kind::conflict;
    if (problem->type == "urn:keel:problem:no-such-unit") trouble.kind = Kind::no_such_unit;
    return trouble;
}

int connect_once(int fd, const sockaddr_un& address)
{
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    return ::connect(fd, generic, sizeof address) == 0 ? 0 : errno;
}

/// A socket on which nobody listens is what an engine leaves that is just being replaced, and the
/// next one puts its own in its place: that is waited for, for a moment. Returns an errno, or 0.
int connect_patiently(int fd, const sockaddr_un& address)
{
    int failure = connect_once(fd, address);
    if (failure != ECONNREFUSED) return failure;
    const std::string path = address.sun_path;
    const int changes = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (changes < 0) return failure;
    ::inotify_add_watch(changes, path.substr(0, path.rfind('/') + 1).c_str(), IN_MOVED_TO);
    const Deadline deadline = deadline_in(replacement_patience);
    pollfd changed{changes, POLLIN, 0};
    do {
        failure = connect_once(fd, address);
        std::array<char, 4096> ignored;
        (void)!::read(changes, ignored.data(), ignored.size());
    } while (failure == ECONNREFUSED && ::poll(&changed, 1, wait_for_poll(deadline)) > 0);
    ::close(changes);
    return failure;
}

} // namespace

Deadline deadline_in(Duration from_now) { return steady_clock::now() + from_now; }

Reply<Call> Call::begin(const std::string& socket_path, const Spec& spec)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path.size() >= sizeof address.sun_path)
        return unreachable(socket_path, ENAMETOOLONG);
    std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);

    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return unreachable(socket_path, errno);
    Call call(fd, socket_path);
    // Also bounds connect(), which waits while the server's queue is full.
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &connect_patience, sizeof connect_patience);
    if (const int failure = connect_patiently(fd, address); failure != 0)
        return unreachable(socket_path, failure);

    const std::string text = request_text(spec);
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t count = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        // A server without room answers before it has read the request, so its answer is read.
        if (count < 0) break;
        sent += static_cast<std::size_t>(count);
    }
    return call;
}

Call::Call(int fd, std::string socket_path) : fd_(fd), socket_path_(std::move(socket_path)) {}

Call::Call(Call&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), socket_path_(std::move(other.socket_path_)),
      reader_(std::move(other.reader_))
{}

Call::~Call()
{
    if (fd_ >= 0) ::close(fd_);
}

std::optional<Trouble> Call::receive(Deadline deadline)
{
    for (;;) {
        pollfd readable{fd_, POLLIN, 0};
        const int ready = ::poll(&readable, 1, wait_for_poll(deadline));
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0) return Trouble{Kind::timed_out, "keeld did not answer in time", {}};
        break;
    }
    std::array<char, 65536> room;
    const ssize_t count = ::recv(fd_, room.data(), room.size(), 0);
    if (count < 0 && errno == EINTR) return std::nullopt;
    if (count <= 0) {
        if (count == 0 && reader_.end()) return std::nullopt;
        return broke_off(socket_path_);
    }
    const auto fed = reader_.feed({room.data(), static_cast<std::size_t>(count)});
    if (!fed) return garbled(fed.error());
    return std::nullopt;
}

Reply<int> Call::head(Deadline deadline)
{
    while (!reader_.has_head())
        if (auto trouble = receive(deadline)) return *trouble;
    return reader_.head().status;
}

Reply<std::string> Call::more(Deadline deadline)
{
    for (;;) {
        std::string bytes = reader_.take_body();
        if (!bytes.empty() || reader_.is_complete()) return bytes;
        if (auto trouble = receive(deadline)) return *trouble;
    }
}

Reply<Response> Call::finish(Deadline deadline)
{
    const auto status = head(deadline);
    if (const auto* trouble = trouble_of(status)) return *trouble;
    Response response{std::get<int>(status), {}};
    for (;;) {
        auto bytes = more(deadline);
        if (const auto* trouble = trouble_of(bytes)) return *trouble;
        const std::string& text = std::get<std::string>(bytes);
        if (text.empty()) return response;
        if (response.body.size() + text.size() > body_bytes_max)
            return garbled({"an answer longer than any should be", {}, 0});
        response.body += text;
    }
}

Reply<std::string> body_or_trouble(Reply<Response> reply)
{
    if (const auto* trouble = trouble_of(reply)) return *trouble;
    auto& response = std::get<Response>(reply);
    if (response.status >= 200 && response.status < 300) return std::move(response.body);
    return from_problem(response.status, response.body);
}

namespace {

/// A question does no harm when it is asked twice, so one that an engine took and did not live to
/// answer is asked again. `ask` gets a fresh call each time.
template <class Ask>
auto ask_again_if_it_breaks(const std::string& socket_path, const std::string& target, Ask ask)
    -> decltype(ask(std::declval<Call&>()))
{
    constexpr int tries = 3;
    for (int left = tries;;) {
        auto call = Call::begin(socket_path, {.target = target});
        if (const auto* trouble = trouble_of(call)) return *trouble;
        auto reply = ask(std::get<Call>(call));
        const auto* trouble = trouble_of(reply);
        const bool broke = trouble != nullptr && trouble->kind == Kind::unreachable;
        if (!broke || --left == 0) return reply;
    }
}

} // namespace

Reply<std::string> get(const std::string& socket_path, const std::string& target, Deadline deadline)
{
    return ask_again_if_it_breaks(
        socket_path, target, [&](Call& call) { return body_or_trouble(call.finish(deadline)); });
}

Reply<Call> open_stream(const std::string& socket_path, const std::string& target,
                        Deadline deadline)
{
    return ask_again_if_it_breaks(socket_path, target, [&](Call& call) -> Reply<Call> {
        const auto status = call.head(deadline);
        if (const auto* trouble = trouble_of(status)) return *trouble;
        if (std::get<int>(status) == 200) return std::move(call);
        const auto refusal = body_or_trouble(call.finish(deadline));
        if (const auto* trouble = trouble_of(refusal)) return *trouble;
        return garbled({"a stream was asked for, and something else came", {}, 0});
    });
}

std::string url_encoded(std::string_view text)
{
    constexpr std::string_view plain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string out;
    for (const char c : text) {
        if (plain.find(c) != std::string_view::npos)
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

} // namespace keel::control
