#include "transfer/curl_multi.hpp"

#include <chrono>
#include <csignal>

namespace keel::transfer {
namespace {

Result<void> initialise_libcurl()
{
    static const CURLcode outcome = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (outcome != CURLE_OK) return Error{"initialise libcurl", curl_easy_strerror(outcome), 0};
    // OpenSSL writes to its sockets with write(2), which has no MSG_NOSIGNAL.
    struct sigaction current {};
    ::sigaction(SIGPIPE, nullptr, &current);
    if (current.sa_handler == SIG_DFL) std::signal(SIGPIPE, SIG_IGN);
    return {};
}

} // namespace

Result<std::unique_ptr<CurlMulti>> CurlMulti::create(ports::Loop& loop)
{
    if (auto ready = initialise_libcurl(); !ready) return ready.error();
    CURLM* multi = curl_multi_init();
    if (multi == nullptr) return Error{"libcurl multi handle", {}, ENOMEM};
    return std::unique_ptr<CurlMulti>(new CurlMulti(loop, multi));
}

CurlMulti::CurlMulti(ports::Loop& loop, CURLM* multi) : loop_(loop), multi_(multi)
{
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

CurlMulti::~CurlMulti()
{
    while (!ends_.empty())
        remove(ends_.begin()->first);
    curl_multi_cleanup(multi_);
}

CURLMcode CurlMulti::add(CURL* easy, std::function<void(CURLcode)> on_end)
{
    const CURLMcode outcome = curl_multi_add_handle(multi_, easy);
    if (outcome == CURLM_OK) ends_.emplace(easy, std::move(on_end));
    return outcome;
}

void CurlMulti::remove(CURL* easy)
{
    if (ends_.erase(easy) != 0) curl_multi_remove_handle(multi_, easy);
}

int CurlMulti::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*)
{
    static_cast<CurlMulti*>(self)->watch(socket, what);
    return 0;
}

int CurlMulti::on_timer(CURLM*, long milliseconds, void* self)
{
    auto* multi = static_cast<CurlMulti*>(self);
    multi->timer_.reset();
    // Also with no delay at all: libcurl must not be entered from its own callback.
    if (milliseconds >= 0)
        multi->timer_ = multi->loop_.after(std::chrono::milliseconds(milliseconds),
                                           [multi] { multi->work(CURL_SOCKET_TIMEOUT, 0); });
    return 0;
}

void CurlMulti::watch(curl_socket_t socket, int what)
{
    // A descriptor has one watch at a time: the old one goes before the new one comes.
    watches_.erase(socket);
    if (what == CURL_POLL_REMOVE || what == CURL_POLL_NONE) return;
    const auto interest = what == CURL_POLL_IN    ? ports::Interest::readable
                          : what == CURL_POLL_OUT ? ports::Interest::writable
                                                  : ports::Interest::both;
    watches_[socket] = loop_.watch_fd(socket, interest, [this, socket](ports::FdEvents events) {
        work(socket,
             (events.readable ? CURL_CSELECT_IN : 0) | (events.writable ? CURL_CSELECT_OUT : 0));
    });
}

void CurlMulti::work(curl_socket_t socket, int events)
{
    int running = 0;
    curl_multi_socket_action(multi_, socket, events, &running);
    tell_ends();
    if (after_work_) after_work_();
}

void CurlMulti::tell_ends()
{
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        // The message is gone once its handle is removed.
        CURL* easy = message->easy_handle;
        const CURLcode outcome = message->data.result;
        auto end = ends_.extract(easy);
        curl_multi_remove_handle(multi_, easy);
        if (!end.empty()) end.mapped()(outcome);
    }
}

} // namespace keel::transfer
