// libcurl's multi interface on ports::Loop: its sockets are watched, its one timer is armed, and
// each transfer's end is told to its owner.
//
// Only transfer/ sees this header. It refuses to know what is transferred. A transfer's callbacks
// (data, headers) run inside of libcurl, which must not be entered from there again; ends are told
// outside of it, where adding and removing transfers is allowed.
#pragma once
#include "base/result.hpp"
#include "ports/loop.hpp"

#include <curl/curl.h>
#include <functional>
#include <memory>
#include <unordered_map>

namespace keel::transfer {

class CurlMulti {
public:
    /// The first one in a process initialises libcurl and OpenSSL, which takes about 1 ms.
    static Result<std::unique_ptr<CurlMulti>> create(ports::Loop& loop);
    ~CurlMulti();
    CurlMulti(const CurlMulti&) = delete;
    CurlMulti& operator=(const CurlMulti&) = delete;

    /// Begins the transfer in the loop's next turn. `on_end` is called once, not after remove().
    [[nodiscard]] CURLMcode add(CURL* easy, std::function<void(CURLcode)> on_end);
    /// Closes its connection at once. Nothing happens if it has ended or was never added.
    void remove(CURL* easy);

    /// Whether it was added and has not ended.
    [[nodiscard]] bool holds(CURL* easy) const { return ends_.contains(easy); }
    /// Gives a transfer under way to another owner.
    void on_end_of(CURL* easy, std::function<void(CURLcode)> on_end)
    {
        ends_[easy] = std::move(on_end);
    }

    /// Called after libcurl has worked, outside of it: what its callbacks have put off is due.
    void after_work(std::function<void()> handler) { after_work_ = std::move(handler); }

private:
    CurlMulti(ports::Loop& loop, CURLM* multi);
    static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* unused);
    static int on_timer(CURLM* multi, long milliseconds, void* self);
    void watch(curl_socket_t socket, int what);
    void work(curl_socket_t socket, int events);
    void tell_ends();

    ports::Loop& loop_;
    CURLM* multi_;
    std::unordered_map<curl_socket_t, ports::Loop::Registration> watches_;
    std::unordered_map<CURL*, std::function<void(CURLcode)>> ends_;
    std::function<void()> after_work_;
    ports::Loop::Registration timer_;
};

} // namespace keel::transfer
