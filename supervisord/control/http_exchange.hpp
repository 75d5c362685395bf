// One request inside libmicrohttpd: private to the HTTP server.
//
// It lives twice: libmicrohttpd holds it until the request is completed, and whoever answers holds
// it for as long as he likes. detach() cuts the first of these two.
#pragma once
#include "control/http.hpp"
#include "ports/loop.hpp"

#include <functional>
#include <memory>
#include <microhttpd.h>
#include <string>

namespace keel::control {

/// What an exchange needs of its server.
class ExchangeHost {
public:
    virtual ~ExchangeHost() = default;
    [[nodiscard]] virtual ports::Loop& loop() = 0;
    /// libmicrohttpd has something to do; it is run after the present callback.
    virtual void run_soon() = 0;
    /// The client of a steady stream has something to take, or has taken all there is.
    enum class Expect : std::uint8_t { reading, nothing };
    virtual void expect_reader(MHD_Connection* connection, Expect what) = 0;
};

class MhdExchange final : public Exchange, public std::enable_shared_from_this<MhdExchange> {
public:
    MhdExchange(ExchangeHost& host, MHD_Connection* connection, HttpRequest request);
    ~MhdExchange() override;

    [[nodiscard]] const HttpRequest& request() const override { return request_; }
    [[nodiscard]] HttpRequest& request() { return request_; }
    [[nodiscard]] int descriptor() const override;
    void answer(HttpAnswer answer) override;
    void stream(HttpAnswer head, std::unique_ptr<StreamSource> source) override;
    void wake() override;
    void end() override;
    [[nodiscard]] bool is_gone() const override { return connection_ == nullptr; }

    /// From libmicrohttpd's request callback: queues the answer, or suspends until there is one.
    MHD_Result settle();
    /// libmicrohttpd has let go of the request.
    void detach();
    /// The server ends: lets go of a suspended connection so that it can be closed.
    void abandon();

    [[nodiscard]] bool has_answer() const { return answer_ != nullptr; }
    [[nodiscard]] bool is_stream() const { return is_stream_; }

private:
    static ssize_t read_stream(void* self, std::uint64_t position, char* out, std::size_t room);
    MHD_Response* make_response();
    void suspend();
    void resume();
    void look_for_hang_up();

    ExchangeHost& host_;
    MHD_Connection* connection_;
    HttpRequest request_;
    std::unique_ptr<HttpAnswer> answer_;
    bool is_stream_ = false;
    bool is_over_ = false; ///< the stream
    std::unique_ptr<StreamSource> source_;
    std::string left_over_; ///< taken from the source, not yet by the client
    std::size_t left_over_from_ = 0;
    bool suspended_ = false;
    bool hung_up_ = false;
    ports::Loop::Registration hang_up_watch_;
};

} // namespace keel::control
