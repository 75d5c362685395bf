// A TCP probe: connects, sends, and looks for the expected bytes in what comes back.
//
// The connection is ended by a reset, which leaves no TIME_WAIT socket behind; a probe a second
// would otherwise hold sixty of them. Of several addresses each gets its share of the time, in
// turn.
#pragma once
#include "base/owned_fd.hpp"
#include "probes/attempt.hpp"
#include "transfer/resolver.hpp"
#include "units/spec.hpp"

#include <string>
#include <vector>

namespace keel::probes {

class TcpAttempt final : public Attempt {
public:
    static constexpr std::size_t received_max = 64U << 10;

    TcpAttempt(ports::Loop& loop, transfer::Resolver& resolver, units::TcpTarget target,
               Duration timeout, Finished finished);
    ~TcpAttempt() override { close(); }

private:
    void begin() override;
    void on_timeout() override;
    void close() override;

    void on_resolved(const transfer::Resolution& resolution);
    void connect_next();
    void connect_failed(int error);
    void on_connected();
    void exchange(ports::FdEvents events);
    void watch(ports::Interest interest);
    [[nodiscard]] bool send_more();
    void receive();
    void on_received(std::size_t from);
    void on_closed();
    [[nodiscard]] std::string received_so_far() const;

    transfer::Resolver& resolver_;
    const units::TcpTarget target_;
    std::uint16_t port_ = 0;
    std::vector<transfer::IpAddress> addresses_; ///< those still to be tried, the next one last
    OwnedFd socket_;
    bool connected_ = false;
    std::size_t sent_ = 0;
    std::string received_;
    ports::Loop::Registration lookup_;
    ports::Loop::Registration watch_; ///< declared after the socket: it dies first
    ports::Loop::Registration share_; ///< of the time, for this address
};

} // namespace keel::probes
