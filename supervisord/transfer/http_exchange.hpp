// One libcurl easy handle, reused: set up for a request, and what its callbacks have seen.
//
// Only transfer/ sees this header. The callbacks run inside of libcurl; they call the owner's
// handlers and note what follows, and never enter libcurl themselves.
#pragma once
#include "transfer/http_client.hpp"

#include <array>
#include <curl/curl.h>
#include <memory>
#include <string>

namespace keel::transfer {

/// What of a URL decides where to connect. Nothing if it is no URL of http or https.
struct UrlParts {
    std::string host; ///< without brackets
    std::string port;
    bool encrypted = false;
};
[[nodiscard]] std::optional<UrlParts> parse_url(const std::string& url);

/// `reference` as it is meant in the document `base`; empty if it leads out of http and https.
[[nodiscard]] std::string resolve_reference(const std::string& base, const std::string& reference);

class HttpExchange {
public:
    /// How much of an unwanted body is still taken off the server.
    static constexpr std::size_t drained_bytes_max = 64U << 10;

    /// The owner's part in libcurl's callbacks; all of them empty while it is drained.
    struct Observer {
        std::function<Want(int status)> on_head;
        std::function<Want(std::string_view bytes)> on_body;
        std::function<void()> on_concluded; ///< there is enough, or somewhere else to go
    };

    HttpExchange();
    ~HttpExchange();
    HttpExchange(const HttpExchange&) = delete;
    HttpExchange& operator=(const HttpExchange&) = delete;

    [[nodiscard]] CURL* easy() const { return easy_; } ///< null: no memory
    /// Sets the handle up afresh for one request; `addresses` are the host's.
    void prepare(const HttpRequest& request, const std::string& url,
                 const std::vector<IpAddress>& addresses, Observer observer);
    /// The owner goes; what still comes is thrown away.
    void detach() { observer_ = {}; }

    [[nodiscard]] HttpTransfer::Phase phase() const;
    [[nodiscard]] bool concluded() const { return concluded_; }
    [[nodiscard]] const std::string& redirected_to() const { return redirected_to_; }
    /// Libcurl's outcome in our words.
    [[nodiscard]] HttpEnd end_of(CURLcode outcome) const;

private:
    struct FreeList {
        void operator()(curl_slist* list) const { curl_slist_free_all(list); }
    };
    using List = std::unique_ptr<curl_slist, FreeList>;

    static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address);
    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_data(char* data, std::size_t size, std::size_t count, void* self);

    template <class Value> void set(CURLoption option, Value value);
    void set_target(const HttpRequest& request, const std::vector<IpAddress>& addresses);
    void set_method(const HttpRequest& request);
    void set_tls(const HttpRequest& request);
    bool take_header(std::string_view line);
    bool take_head_end();
    bool take_data(std::string_view bytes);
    void conclude();
    [[nodiscard]] HttpEnd::Kind kind_of(CURLcode outcome) const;

    CURL* easy_;
    Observer observer_;
    HttpRequest::Redirects redirects_ = HttpRequest::Redirects::report;
    std::string url_;
    std::string location_;
    std::string redirected_to_;
    std::size_t head_bytes_ = 0;
    std::size_t unwanted_bytes_ = 0;
    int socket_ = -1;      ///< the last that libcurl was given; it is libcurl's to close
    int socket_errno_ = 0; ///< why no socket could be had
    bool encrypted_ = false;
    bool head_complete_ = false;
    bool concluded_ = false;
    bool head_too_large_ = false;
    List header_lines_;
    List host_addresses_;
    std::array<char, CURL_ERROR_SIZE> error_{};
};

} // namespace keel::transfer
