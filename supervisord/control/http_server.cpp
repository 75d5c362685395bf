#include "control/http_server.hpp"

#include "control/acceptor.hpp"
#include "control/http_exchange.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <sys/socket.h>
#include <unordered_set>

namespace keel::control {
namespace {

/// Connections are looked over at most this often, however many there are.
constexpr Duration sweep_pause = std::chrono::milliseconds(500);

struct Connection {
    int fd = -1;
    std::optional<MonoTime> deadline; ///< none: the next step is ours, not the client's
};

/// What libmicrohttpd keeps for us with a request.
struct RequestSlot {
    std::shared_ptr<MhdExchange> exchange;
    bool handed_over = false;
    bool too_large = false;
};

Connection* connection_of(MHD_Connection* connection)
{
    const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != nullptr ? static_cast<Connection*>(info->socket_context) : nullptr;
}

std::string header(MHD_Connection* connection, const char* name)
{
    const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value != nullptr ? value : "";
}

MHD_Result add_argument(void* query, MHD_ValueKind, const char* key, const char* value)
{
    auto& arguments = *static_cast<decltype(HttpRequest::query)*>(query);
    arguments.insert_or_assign(key, value != nullptr ? value : "");
    return MHD_YES;
}

HttpRequest read_head(MHD_Connection* connection, const char* url, const char* method)
{
    HttpRequest request;
    request.method = method;
    request.path = url;
    request.host = header(connection, MHD_HTTP_HEADER_HOST);
    request.last_event_id = header(connection, "Last-Event-ID");
    request.idempotency_key = header(connection, "Idempotency-Key");
    request.authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
    request.cookies = header(connection, MHD_HTTP_HEADER_COOKIE);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_argument, &request.query);
    return request;
}

/// What the Content-Length header announces; 0 if there is none (a chunked body is counted).
std::size_t announced_length(MHD_Connection* connection)
{
    const std::string text = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    std::size_t length = 0;
    const auto end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data(), end, length);
    if (text.empty()) return 0;
    return failed != std::errc{} || stop != end ? SIZE_MAX : length;
}

HttpAnswer problem(int status, const char* json)
{
    HttpAnswer answer;
    answer.status = status;
    answer.content_type = "application/problem+json";
    answer.body = std::make_shared<const std::string>(json);
    answer.headers.emplace_back("Connection", "close");
    return answer;
}

HttpAnswer too_large()
{
    return problem(413, R"({"type":"about:blank","title":"Content Too Large","status":413,)"
                        R"("detail":"the body is longer than any request needs"})");
}

HttpAnswer broken()
{
    return problem(500, R"({"type":"about:blank","title":"Internal Server Error","status":500,)"
                        R"("detail":"keeld could not answer this; its log says more"})");
}

} // namespace

class HttpServer::Impl final : public ExchangeHost {
public:
    Impl(ports::Loop& loop, HttpLimits limits, HttpHandler handler)
        : loop_(loop), limits_(limits), handler_(std::move(handler))
    {}

    ~Impl() override
    {
        acceptor_.reset();
        // A suspended connection cannot be closed by libmicrohttpd.
        for (const auto& exchange : std::vector(open_.begin(), open_.end()))
            exchange->abandon();
        epoll_watch_.reset();
        if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
    }

    Result<void> start(int listener, HttpDoor door)
    {
        daemon_ = MHD_start_daemon(
            MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, nullptr,
            nullptr, &Impl::on_request, this,                           //
            MHD_OPTION_CONNECTION_LIMIT, limits_.connections + 1,       //
            MHD_OPTION_CONNECTION_MEMORY_LIMIT, 2 * limits_.head_bytes, //
            MHD_OPTION_CONNECTION_MEMORY_INCREMENT, std::size_t{1024},  //
            MHD_OPTION_CONNECTION_TIMEOUT,
            static_cast<unsigned>(
                std::chrono::ceil<std::chrono::seconds>(limits_.idle_time).count()),
            MHD_OPTION_NOTIFY_CONNECTION, &Impl::on_connection, this, //
            MHD_OPTION_NOTIFY_COMPLETED, &Impl::on_completed, this, MHD_OPTION_END);
        if (daemon_ == nullptr) {
            ::close(listener);
            return Error{"start the HTTP server", {}, errno};
        }
        const int epoll = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
        epoll_watch_ =
            loop_.watch_fd(epoll, ports::Interest::readable, [this](ports::FdEvents) { run(); });
        acceptor_.emplace(loop_, listener,
                          [this](int fd, const Peername& peer) { take_connection(fd, peer); });
        door_ = std::move(door);
        return {};
    }

    [[nodiscard]] unsigned connections() const { return static_cast<unsigned>(known_.size()); }

    [[nodiscard]] ports::Loop& loop() override { return loop_; }

    void expect_reader(MHD_Connection* connection, Expect what) override
    {
        set_deadline(connection,
                     what == Expect::reading ? std::optional(limits_.stream_time) : std::nullopt);
    }

    void run_soon() override
    {
        if (run_pending_) return;
        run_pending_ = true;
        loop_.defer([this, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) return;
            run_pending_ = false;
            run();
        });
    }

private:
    void take_connection(int fd, const Peername& peer)
    {
        const unsigned open = connections();
        const bool has_place = open + limits_.reserved < limits_.connections ||
                               (open < limits_.connections && door_.may_have_last_place &&
                                door_.may_have_last_place(fd));
        if (door_.unwrap) {
            take_wrapped(OwnedFd(fd), has_place);
        } else if (has_place) {
            add(fd, peer);
        } else {
            turn_away(fd);
        }
    }

    /// What could be told of a lack of room would not be understood.
    void take_wrapped(OwnedFd outside, bool has_place)
    {
        if (!has_place) return;
        OwnedFd inside = door_.unwrap(std::move(outside));
        if (!inside) return;
        Peername nobody;
        nobody.storage.ss_family = AF_UNIX;
        nobody.length = sizeof nobody.storage.ss_family;
        add(inside.release(), nobody);
    }

    void add(int fd, const Peername& peer)
    {
        // libmicrohttpd closes the descriptor itself if it cannot take it.
        (void)MHD_add_connection(daemon_, fd, peer.address(), peer.length);
        run_soon();
    }

    /// Everything that libmicrohttpd has to do now, and a timer for what it has to do later.
    void run()
    {
        MHD_run(daemon_);
        MHD_UNSIGNED_LONG_LONG milliseconds = 0;
        if (MHD_get_timeout(daemon_, &milliseconds) != MHD_YES) {
            timer_.reset();
            return;
        }
        if (milliseconds == 0) {
            run_soon();
            return;
        }
        const MonoTime due = loop_.now().mono + std::chrono::milliseconds(milliseconds);
        if (timer_ != nullptr && timer_due_ <= due) return; // it fires early, which does no harm
        timer_due_ = due;
        timer_ = loop_.after(std::chrono::milliseconds(milliseconds), [this] {
            timer_.reset();
            run();
        });
    }

    // ---- time limits of clients -------------------------------------------------------------

    void set_deadline(MHD_Connection* connection, std::optional<Duration> from_now)
    {
        Connection* known = connection_of(connection);
        if (known == nullptr) return;
        known->deadline.reset();
        if (!from_now) return;
        known->deadline = loop_.now().mono + *from_now;
        arm_sweep(*from_now);
    }

    void arm_sweep(Duration delay)
    {
        if (sweep_ == nullptr) sweep_ = loop_.after(delay, [this] { sweep(); });
    }

    /// Cuts those that are late. The timer lives only while a client is expected to do something.
    void sweep()
    {
        sweep_.reset();
        const MonoTime now = loop_.now().mono;
        std::optional<MonoTime> next;
        for (Connection* connection : known_) {
            if (!connection->deadline) continue;
            if (*connection->deadline <= now) {
                // libmicrohttpd sees the end of the stream and does the rest.
                ::shutdown(connection->fd, SHUT_RDWR);
                connection->deadline.reset();
            } else if (!next || *connection->deadline < *next) {
                next = connection->deadline;
            }
        }
        if (next) arm_sweep(std::max(*next - now, sweep_pause));
    }

    // ---- called by libmicrohttpd --------------------------------------------------------------

    static void on_connection(void* self, MHD_Connection* connection, void** context,
                              MHD_ConnectionNotificationCode code) noexcept
    {
        auto& server = *static_cast<Impl*>(self);
        if (code == MHD_CONNECTION_NOTIFY_STARTED) {
            const auto* fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
            auto* known = new Connection{fd->connect_fd, std::nullopt};
            *context = known;
            known->deadline = server.loop_.now().mono + server.limits_.request_time;
            server.known_.insert(known);
            server.arm_sweep(server.limits_.request_time);
        } else {
            auto* known = static_cast<Connection*>(*context);
            server.known_.erase(known);
            delete known;
            if (server.known_.empty()) server.sweep_.reset();
        }
    }

    static void on_completed(void* self, MHD_Connection* connection, void** context,
                             MHD_RequestTerminationCode) noexcept
    {
        auto& server = *static_cast<Impl*>(self);
        auto* slot = static_cast<RequestSlot*>(*context);
        if (slot != nullptr) {
            slot->exchange->detach();
            server.open_.erase(slot->exchange);
            delete slot;
            *context = nullptr;
        }
        server.set_deadline(connection, server.limits_.idle_time + server.limits_.request_time);
    }

    static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url,
                                 const char* method, const char*, const char* body,
                                 std::size_t* body_length, void** context) noexcept
    {
        auto& server = *static_cast<Impl*>(self);
        auto* slot = static_cast<RequestSlot*>(*context);
        if (slot == nullptr) return server.begin(connection, url, method, context);
        if (*body_length > 0) {
            std::string& kept = slot->exchange->request().body;
            slot->too_large =
                slot->too_large || kept.size() + *body_length > server.limits_.body_bytes;
            if (!slot->too_large) kept.append(body, *body_length);
            *body_length = 0;
            return MHD_YES;
        }
        return server.go_on(connection, *slot);
    }

    /// The head is complete; a body may follow.
    MHD_Result begin(MHD_Connection* connection, const char* url, const char* method,
                     void** context)
    {
        auto* slot = new RequestSlot{
            std::make_shared<MhdExchange>(*this, connection, read_head(connection, url, method))};
        *context = slot;
        open_.insert(slot->exchange);
        if (announced_length(connection) <= limits_.body_bytes) return MHD_YES;
        slot->handed_over = true;
        slot->exchange->answer(too_large());
        return slot->exchange->settle();
    }

    /// The request is complete, or its answer has come.
    MHD_Result go_on(MHD_Connection* connection, RequestSlot& slot)
    {
        if (!slot.handed_over) {
            slot.handed_over = true;
            set_deadline(connection, std::nullopt);
            hand_over(slot);
        }
        const MHD_Result settled = slot.exchange->settle();
        if (slot.exchange->has_answer())
            set_deadline(connection, slot.exchange->is_stream()
                                         ? std::nullopt
                                         : std::optional(limits_.answer_time));
        return settled;
    }

    void hand_over(RequestSlot& slot)
    {
        if (slot.too_large) {
            slot.exchange->answer(too_large());
            return;
        }
        try {
            handler_(slot.exchange);
        } catch (const std::exception&) {
            // An exception cannot pass through C. Whoever threw has told of it.
            if (!slot.exchange->has_answer()) slot.exchange->answer(broken());
        }
    }

    ports::Loop& loop_;
    const HttpLimits limits_;
    const HttpHandler handler_;
    HttpDoor door_;
    MHD_Daemon* daemon_ = nullptr;
    std::unordered_set<Connection*> known_;
    std::unordered_set<std::shared_ptr<MhdExchange>> open_;
    std::optional<Acceptor> acceptor_;
    ports::Loop::Registration epoll_watch_;
    ports::Loop::Registration timer_;
    MonoTime timer_due_;
    ports::Loop::Registration sweep_;
    bool run_pending_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(ports::Loop& loop, int listener,
                                                      HttpLimits limits, HttpHandler handler,
                                                      HttpDoor door)
{
    auto impl = std::make_unique<Impl>(loop, limits, std::move(handler));
    if (auto started = impl->start(listener, std::move(door)); !started) return started.error();
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;
unsigned HttpServer::connections() const { return impl_->connections(); }

} // namespace keel::control
