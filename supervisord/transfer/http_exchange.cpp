#include "transfer/http_exchange.hpp"

#include <cerrno>
#include <cstring>
#include <strings.h>

namespace keel::transfer {
namespace {

using Phase = HttpTransfer::Phase;

struct FreeUrl {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

std::string part_of(const Url& url, CURLUPart part, unsigned flags = 0)
{
    char* text = nullptr;
    if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK) return {};
    const std::unique_ptr<char, decltype(&curl_free)> owner(text, curl_free);
    return text;
}

Url read_url(const std::string& text)
{
    Url url(curl_url());
    if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
        return nullptr;
    return url;
}

bool is_web(const Url& url)
{
    const std::string scheme = part_of(url, CURLUPART_SCHEME);
    return scheme == "http" || scheme == "https";
}

bool is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_ours(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
           error == EADDRNOTAVAIL || error == EAGAIN;
}

} // namespace

std::optional<UrlParts> parse_url(const std::string& text)
{
    const Url url = read_url(text);
    if (!url || !is_web(url)) return std::nullopt;
    UrlParts parts;
    parts.host = part_of(url, CURLUPART_HOST);
    parts.port = part_of(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    parts.encrypted = part_of(url, CURLUPART_SCHEME) == "https";
    if (parts.host.starts_with('[')) parts.host = parts.host.substr(1, parts.host.size() - 2);
    return parts;
}

std::string resolve_reference(const std::string& base, const std::string& reference)
{
    const Url url = read_url(base);
    if (!url || curl_url_set(url.get(), CURLUPART_URL, reference.c_str(), 0) != CURLUE_OK)
        return {};
    return is_web(url) ? part_of(url, CURLUPART_URL) : std::string();
}

HttpExchange::HttpExchange() : easy_(curl_easy_init()) {}

HttpExchange::~HttpExchange() { curl_easy_cleanup(easy_); }

// ---- setting up ---------------------------------------------------------------------------------

template <class Value> void HttpExchange::set(CURLoption option, Value value)
{
    curl_easy_setopt(easy_, option, value);
}

void HttpExchange::prepare(const HttpRequest& request, const std::string& url,
                           const std::vector<IpAddress>& addresses, Observer observer)
{
    observer_ = std::move(observer);
    redirects_ = request.redirects;
    url_ = url;
    location_.clear();
    redirected_to_.clear();
    head_bytes_ = unwanted_bytes_ = 0;
    socket_ = -1;
    socket_errno_ = 0;
    head_complete_ = concluded_ = head_too_large_ = false;
    error_[0] = '\0';

    curl_easy_reset(easy_);
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
    set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    set(CURLOPT_USERAGENT, "keel");
    set(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    set(CURLOPT_OPENSOCKETDATA, this);
    set(CURLOPT_HEADERFUNCTION, on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, on_data);
    set(CURLOPT_WRITEDATA, this);
    set_target(request, addresses);
    set_method(request);
    set_tls(request);
}

void HttpExchange::set_target(const HttpRequest& request, const std::vector<IpAddress>& addresses)
{
    const auto parts = parse_url(url_).value_or(UrlParts{});
    encrypted_ = parts.encrypted;
    set(CURLOPT_URL, url_.c_str());
    // The asker keeps the time; libcurl's own limit for connecting must not come before.
    set(CURLOPT_CONNECTTIMEOUT_MS, 24L * 3600 * 1000);
    // The second address waits this long for the first, also for one that refuses at once.
    set(CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, 25L);
    // Should libcurl ever come to look up a name itself, it must not wait for that thread.
    set(CURLOPT_QUICK_EXIT, 1L);
    host_addresses_.reset();
    if (!request.unix_socket.empty()) {
        set(CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
        return;
    }
    std::string entry = parts.host + ":" + parts.port;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const bool is_v6 = addresses[i].find(':') != std::string::npos;
        entry += (i == 0 ? ":" : ",") + (is_v6 ? "[" + addresses[i] + "]" : addresses[i]);
    }
    // A numeric host needs no entry, and in the form of a host an IPv6 address could not be one.
    if (socket_address(parts.host, 1)) return;
    host_addresses_.reset(curl_slist_append(nullptr, entry.c_str()));
    set(CURLOPT_RESOLVE, host_addresses_.get());
}

void HttpExchange::set_method(const HttpRequest& request)
{
    curl_slist* lines = curl_slist_append(nullptr, "Connection: close");
    const auto add = [&lines](const std::string& line) {
        if (curl_slist* longer = curl_slist_append(lines, line.c_str())) lines = longer;
    };
    // libcurl takes `Name:` as "leave this header out" and `Name;` as "send it empty".
    for (const auto& [name, value] : request.headers)
        add(value.empty() ? name + ";" : name + ": " + value);

    if (request.method == "HEAD") {
        set(CURLOPT_NOBODY, 1L);
    } else if (request.method == "POST" || request.method == "PUT" || request.method == "PATCH") {
        // Also an empty body says how long it is.
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(CURLOPT_COPYPOSTFIELDS, request.body.c_str());
        set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
        if (request.body.empty()) add("Content-Type:");
        add("Expect:"); // libcurl would wait a second for a yes to a large body
    } else {
        set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    header_lines_.reset(lines);
    set(CURLOPT_HTTPHEADER, header_lines_.get());
}

void HttpExchange::set_tls(const HttpRequest& request)
{
    if (!encrypted_) return;
    const bool verify = request.tls == HttpRequest::Tls::verify;
    set(CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    // A resumed session skips the certificate, and that is half of what is asked about.
    set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    // Libcurl keeps the system's authorities for a day, but only if no folder is searched as well;
    // reading them anew would take 40 ms. Somebody's own file is small and read each time.
    set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
    if (request.tls_ca.empty()) return;
    set(CURLOPT_CAINFO, request.tls_ca.c_str());
    set(CURLOPT_CA_CACHE_TIMEOUT, 0L);
}

// ---- what libcurl calls -------------------------------------------------------------------------

curl_socket_t HttpExchange::open_socket(void* self, curlsocktype, curl_sockaddr* address)
{
    const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                            address->protocol);
    auto* exchange = static_cast<HttpExchange*>(self);
    exchange->socket_ = fd;
    if (fd < 0) exchange->socket_errno_ = errno;
    return fd;
}

std::size_t HttpExchange::on_header(char* data, std::size_t size, std::size_t count, void* self)
{
    const std::size_t length = size * count;
    return static_cast<HttpExchange*>(self)->take_header({data, length}) ? length : 0;
}

std::size_t HttpExchange::on_data(char* data, std::size_t size, std::size_t count, void* self)
{
    const std::size_t length = size * count;
    return static_cast<HttpExchange*>(self)->take_data({data, length}) ? length : 0;
}

bool HttpExchange::take_header(std::string_view line)
{
    constexpr std::string_view location = "location:";
    head_bytes_ += line.size();
    if (head_bytes_ > head_bytes_max) {
        head_too_large_ = true;
        return false;
    }
    if (head_complete_) return true; // trailers
    if (line == "\r\n" || line == "\n") return take_head_end();
    if (line.starts_with("HTTP/")) location_.clear();
    if (line.size() > location.size() &&
        ::strncasecmp(line.data(), location.data(), location.size()) == 0) {
        line.remove_prefix(location.size());
        const std::size_t begin = std::min(line.find_first_not_of(" \t\r\n"), line.size());
        const std::size_t end = line.find_last_not_of(" \t\r\n") + 1;
        location_ = line.substr(begin, end > begin ? end - begin : 0);
    }
    return true;
}

bool HttpExchange::take_head_end()
{
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 && status != 101) return true; // the real answer is still to come
    head_complete_ = true;
    if (redirects_ == HttpRequest::Redirects::follow && is_redirect(status) && !location_.empty()) {
        redirected_to_ = resolve_reference(url_, location_);
        if (!redirected_to_.empty()) {
            conclude();
            return true;
        }
    }
    if (observer_.on_head && observer_.on_head(static_cast<int>(status)) == Want::enough)
        conclude();
    return true;
}

bool HttpExchange::take_data(std::string_view bytes)
{
    if (!concluded_ && observer_.on_body) {
        if (observer_.on_body(bytes) == Want::more) return true;
        conclude();
    }
    unwanted_bytes_ += bytes.size();
    return unwanted_bytes_ <= drained_bytes_max;
}

void HttpExchange::conclude()
{
    concluded_ = true;
    if (observer_.on_concluded) observer_.on_concluded();
}

// ---- what became of it --------------------------------------------------------------------------

Phase HttpExchange::phase() const
{
    if (head_complete_) return Phase::receiving;
    curl_off_t ready = 0; // which includes the handshake
    curl_easy_getinfo(easy_, CURLINFO_CONNECT_TIME_T, &ready);
    if (encrypted_) curl_easy_getinfo(easy_, CURLINFO_APPCONNECT_TIME_T, &ready);
    if (ready != 0) return Phase::waiting;
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    const bool has_peer =
        socket_ >= 0 && ::getpeername(socket_, reinterpret_cast<sockaddr*>(&peer), &length) == 0;
    return encrypted_ && has_peer ? Phase::shaking_hands : Phase::connecting;
}

HttpEnd::Kind HttpExchange::kind_of(CURLcode outcome) const
{
    using enum HttpEnd::Kind;
    long os_error = 0;
    curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);
    if (head_too_large_) return protocol;
    // What libcurl is not asked about by name cannot happen here: its default is our own failure.
    switch (static_cast<int>(outcome)) {
    case CURLE_OK: return complete;
    case CURLE_COULDNT_CONNECT:
        return is_ours(socket_errno_) || is_ours(static_cast<int>(os_error)) ? internal : refused;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE: return reset;
    case CURLE_SSL_CONNECT_ERROR: return os_error == ECONNRESET ? reset : tls;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CIPHER: return tls;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: // an answer in HTTP/0.9, or in something else altogether
    case CURLE_BAD_CONTENT_ENCODING: return protocol;
    case CURLE_COULDNT_RESOLVE_HOST: return unavailable_name;
    case CURLE_OUT_OF_MEMORY: // also a header line that is longer than libcurl's buffers
        return phase() == Phase::waiting ? protocol : internal;
    default: return internal;
    }
}

HttpEnd HttpExchange::end_of(CURLcode outcome) const
{
    HttpEnd end{kind_of(outcome), {}};
    if (head_too_large_)
        end.text = "the answer's head is longer than 64 KiB";
    else if (outcome == CURLE_GOT_NOTHING)
        end.text = "connection closed without an answer";
    else if (end.kind == HttpEnd::Kind::internal && socket_errno_ != 0)
        end.text = std::string("no socket: ") + ::strerrordesc_np(socket_errno_);
    else if (end.kind == HttpEnd::Kind::refused) {
        long os_error = 0;
        curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);
        const char* why = ::strerrordesc_np(static_cast<int>(os_error));
        end.text = os_error == ECONNREFUSED || why == nullptr ? "connection refused" : why;
    } else {
        end.text = error_[0] != '\0' ? error_.data() : curl_easy_strerror(outcome);
    }
    return end;
}

} // namespace keel::transfer
