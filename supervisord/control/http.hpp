// HTTP as the control API uses it: requests and answers as plain values, without a library's types.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keel::control {

struct HttpRequest {
    std::string method;
    std::string path;                                      ///< decoded, without the query
    std::map<std::string, std::string, std::less<>> query; ///< decoded; of doubles the last counts
    std::string host;                                      ///< the Host header; empty: none
    std::string last_event_id;   ///< the Last-Event-ID header; empty: none
    std::string idempotency_key; ///< the Idempotency-Key header; empty: none
    std::string authorization;   ///< the Authorization header; a secret, never told to anybody
    std::string cookies;         ///< the Cookie header; the same
    std::string body;

    [[nodiscard]] std::optional<std::string_view> argument(std::string_view key) const
    {
        const auto found = query.find(key);
        if (found == query.end()) return std::nullopt;
        return found->second;
    }
};

struct HttpAnswer {
    int status = 200;
    std::string content_type;
    std::shared_ptr<const std::string> body; ///< shared, as one page may be served many times over
    std::vector<std::pair<std::string, std::string>> headers;
};

/// Header of an answer with a log since a time, if lines have no times of their own: from when on
/// they are, or `unknown`.
inline constexpr const char* untimed_since_header = "Keel-Untimed-Since";

/// Header of an answer with a log whose unit writes elsewhere: log.target.
inline constexpr const char* log_target_header = "Keel-Log-Target";

/// The body of an answer without a foreseeable end.
class StreamSource {
public:
    virtual ~StreamSource() = default;
    /// The next bytes. Empty: none at the moment, ask again after a wake(). None: it is over.
    virtual std::optional<std::string> take() = 0;

    /// How long its client may take over what it was given. `leisurely`: a person may be reading
    /// it page by page. `steady`: it is ended if the client falls behind for long, as it can go on
    /// elsewhere.
    enum class Pace : std::uint8_t { leisurely, steady };
    [[nodiscard]] virtual Pace pace() const { return Pace::leisurely; }
};

/// One request and its answer, which may come at any time. Safe to keep when the client is gone:
/// an answer then goes nowhere. All calls on the loop's thread.
class Exchange {
public:
    virtual ~Exchange() = default;
    [[nodiscard]] virtual const HttpRequest& request() const = 0;
    /// The connection's descriptor, to ask the kernel who is at its other end; -1 when it is gone.
    [[nodiscard]] virtual int descriptor() const = 0;

    /// Exactly one of these two, once.
    virtual void answer(HttpAnswer answer) = 0;
    /// `head.body` is ignored. The source is destroyed when the stream ends, whoever ends it.
    virtual void stream(HttpAnswer head, std::unique_ptr<StreamSource> source) = 0;

    /// The stream's source may have something to give.
    virtual void wake() = 0;
    /// Ends the stream, whatever its source has still to give.
    virtual void end() = 0;
    [[nodiscard]] virtual bool is_gone() const = 0;
};

using HttpHandler = std::function<void(const std::shared_ptr<Exchange>&)>;

} // namespace keel::control
