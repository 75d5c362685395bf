#include "transfer/http_client.hpp"

#include "transfer/curl_multi.hpp"
#include "transfer/http_exchange.hpp"

#include <algorithm>
#include <strings.h>

namespace keel::transfer {
namespace {

constexpr std::size_t idle_max = 32;
constexpr std::size_t drains_max = 64;
constexpr Duration drain_time = std::chrono::seconds(1);

bool is_secret(const std::string& header)
{
    return ::strcasecmp(header.c_str(), "Authorization") == 0 ||
           ::strcasecmp(header.c_str(), "Cookie") == 0;
}

} // namespace

// ---- one transfer -------------------------------------------------------------------------------

HttpTransfer::HttpTransfer(HttpClient& client, HttpRequest request, HttpHandlers handlers)
    : client_(client), request_(std::move(request)), handlers_(std::move(handlers))
{}

HttpTransfer::~HttpTransfer()
{
    std::erase(client_.to_conclude_, this);
    client_.give_back(std::move(exchange_));
}

HttpTransfer::Phase HttpTransfer::phase() const
{
    return exchange_ ? exchange_->phase() : Phase::resolving;
}

void HttpTransfer::open(std::string url)
{
    const auto parts = parse_url(url);
    if (!parts) return end_later({HttpEnd::Kind::internal, "no URL of http or https"});
    url_ = std::move(url);
    if (!request_.unix_socket.empty()) return connect({});
    if (const auto known = known_addresses(parts->host)) return connect(*known);
    pending_ = client_.resolver_.resolve(parts->host, [this](const Resolution& resolution) {
        if (resolution.kind == Resolution::Kind::found) return connect(resolution.addresses);
        const bool missing = resolution.kind == Resolution::Kind::missing;
        end({missing ? HttpEnd::Kind::missing_name : HttpEnd::Kind::unavailable_name,
             resolution.text});
    });
}

void HttpTransfer::connect(const std::vector<IpAddress>& addresses)
{
    exchange_ = client_.take_exchange();
    if (!exchange_) return end_later({HttpEnd::Kind::internal, "libcurl cannot be set up"});
    exchange_->prepare(request_, url_, addresses, {handlers_.on_head, handlers_.on_body, [this] {
                                                       client_.to_conclude_.push_back(this);
                                                   }});
    const CURLMcode added = client_.multi_->add(exchange_->easy(), [this](CURLcode outcome) {
        if (exchange_->concluded()) return; // conclude() comes in this very turn
        end(exchange_->end_of(outcome));
    });
    if (added != CURLM_OK) end_later({HttpEnd::Kind::internal, curl_multi_strerror(added)});
}

void HttpTransfer::conclude()
{
    if (exchange_->redirected_to().empty()) return end({HttpEnd::Kind::enough, {}});
    const std::string next = exchange_->redirected_to();
    client_.give_back(std::move(exchange_));
    if (++hops_ > redirects_max)
        return end({HttpEnd::Kind::protocol, "more redirects than can be meant"});
    const auto from = parse_url(url_), to = parse_url(next);
    if (from && to && from->host != to->host)
        std::erase_if(request_.headers, [](const auto& entry) { return is_secret(entry.first); });
    open(next);
}

void HttpTransfer::end(const HttpEnd& end)
{
    const auto on_end = std::move(handlers_.on_end); // it may well destroy this transfer
    handlers_.on_end = nullptr;
    if (on_end) on_end(end);
}

void HttpTransfer::end_later(HttpEnd end)
{
    // By a copy, since on_end may destroy the transfer and with it the handler that runs.
    pending_ = client_.loop_.after(Duration::zero(),
                                   [this, end = std::move(end)] { this->end(HttpEnd(end)); });
}

// ---- the client ---------------------------------------------------------------------------------

/// An exchange whose owner has gone and whose server is still talking.
struct HttpClient::Drain {
    std::unique_ptr<HttpExchange> exchange;
    ports::Loop::Registration limit;
};

HttpClient::HttpClient(ports::Loop& loop, Resolver& resolver) : loop_(loop), resolver_(resolver) {}

HttpClient::~HttpClient()
{
    for (const auto& [exchange, drain] : drains_)
        multi_->remove(exchange->easy());
}

std::unique_ptr<HttpTransfer> HttpClient::start(HttpRequest request, HttpHandlers handlers)
{
    std::string url = request.url;
    std::unique_ptr<HttpTransfer> transfer(
        new HttpTransfer(*this, std::move(request), std::move(handlers)));
    transfer->open(std::move(url));
    return transfer;
}

std::unique_ptr<HttpExchange> HttpClient::take_exchange()
{
    if (!multi_) {
        auto multi = CurlMulti::create(loop_);
        if (!multi) return nullptr;
        multi_ = std::move(*multi);
        multi_->after_work([this] { conclude_all(); });
    }
    if (!idle_.empty()) {
        auto exchange = std::move(idle_.back());
        idle_.pop_back();
        return exchange;
    }
    auto exchange = std::make_unique<HttpExchange>();
    return exchange->easy() != nullptr ? std::move(exchange) : nullptr;
}

void HttpClient::give_back(std::unique_ptr<HttpExchange> exchange)
{
    if (!exchange) return;
    exchange->detach();
    if (exchange->concluded() && multi_->holds(exchange->easy()) && drains_.size() < drains_max)
        return drain(std::move(exchange));
    multi_->remove(exchange->easy());
    if (idle_.size() < idle_max) idle_.push_back(std::move(exchange));
}

void HttpClient::drain(std::unique_ptr<HttpExchange> exchange)
{
    HttpExchange* key = exchange.get();
    multi_->on_end_of(key->easy(), [this, key](CURLcode) { end_drain(key); });
    auto drain = std::make_unique<Drain>();
    drain->exchange = std::move(exchange);
    drain->limit = loop_.after(drain_time, [this, key] { end_drain(key); });
    drains_.emplace(key, std::move(drain));
}

void HttpClient::end_drain(HttpExchange* exchange)
{
    auto drain = drains_.extract(exchange);
    multi_->remove(exchange->easy());
    if (idle_.size() < idle_max) idle_.push_back(std::move(drain.mapped()->exchange));
}

void HttpClient::conclude_all()
{
    while (!to_conclude_.empty()) {
        HttpTransfer* transfer = to_conclude_.back();
        to_conclude_.pop_back();
        transfer->conclude();
    }
}

} // namespace keel::transfer
