#include "control/http_exchange.hpp"

#include "base/ensure.hpp"

#include <algorithm>
#include <cstring>
#include <poll.h>

namespace keel::control {

namespace {
constexpr std::size_t stream_block = 4096;
/// A client may take its time over a stream: its reader pages through a log.
constexpr unsigned stream_idle_seconds = 12 * 3600;
} // namespace

MhdExchange::MhdExchange(ExchangeHost& host, MHD_Connection* connection, HttpRequest request)
    : host_(host), connection_(connection), request_(std::move(request))
{}

MhdExchange::~MhdExchange() = default;

int MhdExchange::descriptor() const
{
    if (connection_ == nullptr) return -1;
    const auto* info = MHD_get_connection_info(connection_, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info != nullptr ? info->connect_fd : -1;
}

void MhdExchange::answer(HttpAnswer answer)
{
    if (is_gone()) return;
    ENSURE(answer_ == nullptr, "a request is answered once");
    answer_ = std::make_unique<HttpAnswer>(std::move(answer));
    resume();
}

void MhdExchange::stream(HttpAnswer head, std::unique_ptr<StreamSource> source)
{
    if (is_gone()) return;
    is_stream_ = true;
    source_ = std::move(source);
    answer(std::move(head));
}

void MhdExchange::wake()
{
    if (is_stream_) resume();
}

void MhdExchange::end()
{
    is_over_ = true;
    wake();
}

MHD_Result MhdExchange::settle()
{
    if (hung_up_) return MHD_NO;
    if (answer_ == nullptr) {
        suspend();
        return MHD_YES;
    }
    MHD_Response* response = make_response();
    if (response == nullptr) return MHD_NO;
    if (is_stream_)
        MHD_set_connection_option(connection_, MHD_CONNECTION_OPTION_TIMEOUT, stream_idle_seconds);
    const MHD_Result queued =
        MHD_queue_response(connection_, static_cast<unsigned>(answer_->status), response);
    MHD_destroy_response(response);
    return queued;
}

MHD_Response* MhdExchange::make_response()
{
    MHD_Response* response = nullptr;
    if (is_stream_) {
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, stream_block, read_stream,
                                                     this, nullptr);
    } else {
        static const auto nothing = std::make_shared<const std::string>();
        if (answer_->body == nullptr) answer_->body = nothing;
        // The text is neither copied nor changed: answer_ keeps it alive until detach().
        response = MHD_create_response_from_buffer(answer_->body->size(),
                                                   const_cast<char*>(answer_->body->data()),
                                                   MHD_RESPMEM_PERSISTENT);
    }
    if (response == nullptr) return nullptr;
    if (!answer_->content_type.empty())
        MHD_add_response_header(response, "Content-Type", answer_->content_type.c_str());
    for (const auto& [name, value] : answer_->headers)
        MHD_add_response_header(response, name.c_str(), value.c_str());
    return response;
}

ssize_t MhdExchange::read_stream(void* self, std::uint64_t, char* out, std::size_t room)
{
    auto& exchange = *static_cast<MhdExchange*>(self);
    if (exchange.hung_up_ || exchange.source_ == nullptr) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (exchange.is_over_) return MHD_CONTENT_READER_END_OF_STREAM;
    std::string& pending = exchange.left_over_;
    if (exchange.left_over_from_ == pending.size()) {
        exchange.left_over_from_ = 0;
        try {
            auto more = exchange.source_->take();
            if (!more) return MHD_CONTENT_READER_END_OF_STREAM;
            pending = std::move(*more);
        } catch (const std::exception&) {
            // An exception cannot pass through C; the client sees the stream break off.
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
    }
    const bool is_steady = exchange.source_->pace() == StreamSource::Pace::steady;
    const auto expected =
        pending.empty() ? ExchangeHost::Expect::nothing : ExchangeHost::Expect::reading;
    if (is_steady) exchange.host_.expect_reader(exchange.connection_, expected);
    if (pending.empty()) {
        exchange.suspend();
        return 0;
    }
    const std::size_t length = std::min(room, pending.size() - exchange.left_over_from_);
    pending.copy(out, length, exchange.left_over_from_);
    exchange.left_over_from_ += length;
    return static_cast<ssize_t>(length);
}

/// libmicrohttpd does not look at a suspended connection at all, so a client that has gone away is
/// looked for here.
void MhdExchange::suspend()
{
    ENSURE(!suspended_, "a connection is suspended once at a time");
    suspended_ = true;
    const int fd = descriptor();
    MHD_suspend_connection(connection_);
    hang_up_watch_ = host_.loop().watch_fd(fd, ports::Interest::readable,
                                           [this](ports::FdEvents) { look_for_hang_up(); });
}

void MhdExchange::look_for_hang_up()
{
    const auto keep = shared_from_this();
    pollfd client{descriptor(), POLLIN | POLLRDHUP, 0};
    (void)::poll(&client, 1, 0);
    hang_up_watch_.reset();
    // Something else than a hang-up is a next request sent ahead, or a client that only listens
    // from now on. It is left alone, and no longer watched, as it would be reported for ever.
    if ((client.revents & (POLLHUP | POLLERR)) == 0) return;
    hung_up_ = true;
    resume();
}

void MhdExchange::resume()
{
    if (!suspended_ || is_gone()) return;
    suspended_ = false;
    hang_up_watch_.reset();
    MHD_resume_connection(connection_);
    host_.run_soon();
}

void MhdExchange::detach()
{
    hang_up_watch_.reset();
    connection_ = nullptr;
    source_.reset();
}

void MhdExchange::abandon()
{
    hung_up_ = true;
    resume();
}

} // namespace keel::control
