// The client's side of the control API: one request on one connection to the control socket.
//
// Blocking, with a deadline for each wait. What goes wrong is a Trouble: a kind that decides the
// exit code, a sentence for people, and what to do. Nothing here prints, retries or exits.
#pragma once
#include "control/json_codec.hpp"
#include "control/response_reader.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace keel::control {

struct Trouble {
    enum class Kind : std::uint8_t {
        unreachable, ///< nobody listens on the socket, or the connection broke
        not_allowed, ///< the socket or the daemon refuses this user
        timed_out,   ///< the deadline passed
        no_such_unit,
        conflict, ///< another operation is in the way
        refused,  ///< the daemon refused for another reason
        garbled   ///< the answer could not be understood
    } kind = Kind::refused;
    std::string text;
    std::string hint; ///< may be empty
};

template <class T> using Reply = std::variant<T, Trouble>;

/// The trouble that a reply is; null: it is a value.
template <class T> const Trouble* trouble_of(const Reply<T>& reply)
{
    return std::get_if<Trouble>(&reply);
}

/// none: as long as it takes.
using Deadline = std::optional<std::chrono::steady_clock::time_point>;
Deadline deadline_in(Duration from_now);

struct Response {
    int status = 0;
    std::string body;
};

class Call {
public:
    struct Spec {
        std::string_view method = "GET";
        std::string target = {};          ///< path and query, encoded
        std::string body = {};            ///< JSON; empty: none
        std::string last_event_id = {};   ///< empty: none
        std::string idempotency_key = {}; ///< empty: none
    };

    /// Connects and sends the request.
    static Reply<Call> begin(const std::string& socket_path, const Spec& spec);

    Call(Call&& other) noexcept;
    Call& operator=(Call&&) = delete;
    ~Call();

    /// The whole answer, whatever its status.
    Reply<Response> finish(Deadline deadline);

    // ---- answers without an end
    /// Waits for the head; returns the status.
    Reply<int> head(Deadline deadline);
    /// Once that has come.
    [[nodiscard]] const ResponseHead& known_head() const { return reader_.head(); }
    /// The next bytes of the body; empty: it has ended.
    Reply<std::string> more(Deadline deadline);
    /// Readable when there may be more.
    [[nodiscard]] int descriptor() const { return fd_; }

private:
    explicit Call(int fd, std::string socket_path);
    /// Waits for bytes and feeds the reader.
    std::optional<Trouble> receive(Deadline deadline);

    int fd_;
    std::string socket_path_;
    ResponseReader reader_;
};

/// The body of a 2xx answer; anything else becomes a Trouble that tells what the daemon said.
Reply<std::string> get(const std::string& socket_path, const std::string& target,
                       Deadline deadline);
Reply<std::string> body_or_trouble(Reply<Response> response);

/// A call whose answer goes on and on: returns once its head has come and says 200.
Reply<Call> open_stream(const std::string& socket_path, const std::string& target,
                        Deadline deadline);

/// `text` as one segment of a path or a value of a query.
std::string url_encoded(std::string_view text);

} // namespace keel::control
