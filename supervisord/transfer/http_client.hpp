// One HTTP exchange at a time, each on a connection of its own: request out, head and body in.
//
// Promises: never blocks the loop (names are looked up by the Resolver, never by libcurl), is bound
// by no environment variable or file of the user's (no proxy, no netrc), and closes everything when
// a transfer is destroyed. An asker that has enough after the head is told its end at once; the
// rest of a small body is still taken off the server in the background, so that an honest server is
// not cut off in the middle of a write. libcurl is brought up by the first transfer.
//
// It refuses to know deadlines (the asker destroys the transfer) and what an answer means.
#pragma once
#include "ports/loop.hpp"
#include "transfer/resolver.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace keel::transfer {

struct HttpRequest {
    enum class Tls : std::uint8_t { verify, accept_anyone };
    enum class Redirects : std::uint8_t { report, follow }; ///< at most `redirects_max` of them

    std::string url;         ///< http:// or https://
    std::string unix_socket; ///< connect to this path instead of the URL's host; empty: do not
    std::string method = "GET";
    std::map<std::string, std::string> headers;
    std::string body; ///< of POST, PUT and PATCH
    Tls tls = Tls::verify;
    std::string tls_ca; ///< PEM file of authorities to trust; empty: the system's
    Redirects redirects = Redirects::report;
};

inline constexpr unsigned redirects_max = 8;
inline constexpr std::size_t head_bytes_max = 64U << 10;

enum class Want : std::uint8_t { more, enough };

/// How a transfer ended; `text` says it for people.
struct HttpEnd {
    enum class Kind : std::uint8_t {
        complete,         ///< the whole answer is in
        enough,           ///< a handler wanted no more
        refused,          ///< nobody listens there, or there is no way there
        reset,            ///< the connection ended before the answer did
        tls,              ///< no trust, or no common language
        missing_name,     ///< the host's name does not exist
        unavailable_name, ///< the host's name could not be looked up
        protocol,         ///< what came is not HTTP, or more of it than anybody needs
        internal          ///< this side could not: descriptors, memory, ports, files
    } kind = Kind::internal;
    std::string text;
};

/// on_head and on_body are called from inside libcurl: they must not start or destroy transfers.
/// on_end may destroy its own.
struct HttpHandlers {
    std::function<Want(int status)> on_head;
    std::function<Want(std::string_view bytes)> on_body;
    std::function<void(const HttpEnd& end)> on_end; ///< once, last, never from inside start()
};

class HttpClient;
class HttpExchange;

/// Destroying it ends the transfer without a word.
class HttpTransfer {
public:
    enum class Phase : std::uint8_t { resolving, connecting, shaking_hands, waiting, receiving };

    ~HttpTransfer();
    HttpTransfer(const HttpTransfer&) = delete;
    HttpTransfer& operator=(const HttpTransfer&) = delete;

    [[nodiscard]] Phase phase() const; ///< what it is waiting for

private:
    friend class HttpClient;
    HttpTransfer(HttpClient& client, HttpRequest request, HttpHandlers handlers);
    void open(std::string url);
    void connect(const std::vector<IpAddress>& addresses);
    void conclude(); ///< a callback of libcurl has put its consequence off until now
    void end(const HttpEnd& end);
    void end_later(HttpEnd end);

    HttpClient& client_;
    HttpRequest request_;
    HttpHandlers handlers_;
    std::string url_; ///< of this hop
    unsigned hops_ = 0;
    std::unique_ptr<HttpExchange> exchange_;
    ports::Loop::Registration pending_; ///< a name's lookup, or an end to be told
};

class CurlMulti;

class HttpClient {
public:
    HttpClient(ports::Loop& loop, Resolver& resolver);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    [[nodiscard]] std::unique_ptr<HttpTransfer> start(HttpRequest request, HttpHandlers handlers);

private:
    friend class HttpTransfer;
    struct Drain;

    [[nodiscard]] std::unique_ptr<HttpExchange> take_exchange();
    void give_back(std::unique_ptr<HttpExchange> exchange);
    void drain(std::unique_ptr<HttpExchange> exchange);
    void end_drain(HttpExchange* exchange);
    void conclude_all();

    ports::Loop& loop_;
    Resolver& resolver_;
    std::unique_ptr<CurlMulti> multi_;
    std::vector<std::unique_ptr<HttpExchange>> idle_;
    std::vector<HttpTransfer*> to_conclude_;
    std::unordered_map<HttpExchange*, std::unique_ptr<Drain>> drains_;
};

} // namespace keel::transfer
