// The targets that a prober must not be hurt by, and what each has to be judged as. Shared by the
// test that asserts the verdicts and the benchmark that shows their times.
#pragma once
#include "core/verdict.hpp"
#include "tests/integration/probes/server.hpp"
#include "transfer/resolver.hpp"
#include "units/spec.hpp"

#include <string>
#include <vector>

namespace keel::test {

struct BadTarget {
    std::string name;
    units::ProbeTarget target;
    Duration timeout{};
    core::Verdict verdict{};
    core::VerdictKind kind{};
};

class BadTargets {
public:
    explicit BadTargets(Duration timeout = std::chrono::milliseconds(500)) : timeout_(timeout) {}
    ~BadTargets() { release_.set(); }
    BadTargets(const BadTargets&) = delete;
    BadTargets& operator=(const BadTargets&) = delete;

    [[nodiscard]] std::vector<BadTarget> cases() const
    {
        using enum core::Verdict;
        using enum core::VerdictKind;
        const std::string refusing = Server([](Peer&) {}).address();
        const auto named = [this](const std::string& host) {
            return "http://" + host + ":" + unavailable_.port() + "/";
        };
        return {
            {"http, healthy", http(healthy_.url()), patient, pass, none},
            {"http, accepts and never answers", http(silent_.url()), timeout_, fail, timeout},
            {"http, one byte a second", http(dripping_.url()), timeout_, fail, timeout},
            {"http, body of one byte a second", http(dripping_body_.url(), "x$"), timeout_, fail,
             timeout},
            {"http, refuses", http("http://" + refusing), patient, fail, refused},
            {"http, answers 503", http(unavailable_.url()), patient, fail, status},
            {"http, sends 1 GiB", http(flooding_.url()), patient, pass, none},
            {"http, 1 GiB without a match", http(flooding_.url(), "y"), patient, fail, body},
            {"http, hostile body for a regex", http(flooding_.url(), "(x+x+)+y|(x|xx)*z"), patient,
             fail, body},
            {"http, resets", http(resetting_.url()), patient, fail, reset},
            {"http, name does not exist", http(named("missing.example")), patient, fail, dns},
            {"http, resolver hangs", http(named("hanging.example")), timeout_, unknown, dns},
            {"tcp, healthy", units::TcpTarget{silent_.address(), "", ""}, patient, pass, none},
            {"tcp, accepts and never answers", units::TcpTarget{silent_.address(), "x", "y"},
             timeout_, fail, timeout},
            {"tcp, one byte a second", units::TcpTarget{dripping_.address(), "", "200"}, timeout_,
             fail, timeout},
            {"tcp, refuses", units::TcpTarget{refusing, "", ""}, patient, fail, refused},
            {"tcp, sends 1 GiB", units::TcpTarget{flooding_.address(), "\r\n\r\n", "y"}, patient,
             fail, body},
            {"tcp, resets", units::TcpTarget{resetting_.address(), "\r\n\r\n", "y"}, patient, fail,
             reset},
            {"tcp, name does not exist", units::TcpTarget{"missing.example:1", "", ""}, patient,
             fail, dns},
            {"tcp, resolver hangs", units::TcpTarget{"hanging.example:1", "", ""}, timeout_,
             unknown, dns},
        };
    }

    /// Knows no name but takes its time with one of them: for ever.
    [[nodiscard]] transfer::Resolver::Lookup lookup() const
    {
        return [release = release_](const std::string& host) {
            if (host == "hanging.example") (void)release.wait();
            return transfer::Resolution{transfer::Resolution::Kind::missing, {}, "no such name"};
        };
    }

private:
    /// What has a verdict long before its timeout.
    static constexpr Duration patient = std::chrono::seconds(20);

    /// A Signal that lookups may hold longer than the test lives.
    class SharedSignal {
    public:
        void set() const { signal_->set(); }
        [[nodiscard]] bool wait() const { return signal_->wait(); }

    private:
        std::shared_ptr<const Signal> signal_ = std::make_shared<Signal>();
    };

    static units::HttpTarget http(const std::string& url, const std::string& body = "")
    {
        units::HttpTarget target;
        target.url = url;
        target.body = body;
        return target;
    }

    static void flood(Peer& peer)
    {
        (void)peer.read_request();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
        const std::string block(64 << 10, 'x');
        for (std::size_t written = 0; written < 1U << 30; written += block.size())
            if (!peer.write(block)) return;
    }

    static void drip_body(Peer& peer)
    {
        (void)peer.read_request();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        peer.drip(std::string(1000, 'x'), 1000);
    }

    Duration timeout_;
    const SharedSignal release_;
    const Server healthy_{answering(http_answer("200 OK", "fine"))};
    const Server silent_{[](Peer& peer) { peer.hold(); }};
    const Server dripping_{[](Peer& peer) { peer.drip(http_answer("200 OK", "fine"), 1000); }};
    const Server dripping_body_{drip_body};
    const Server unavailable_{answering(http_answer("503 Service Unavailable", "no backbone"))};
    const Server flooding_{flood};
    const Server resetting_{[](Peer& peer) {
        (void)peer.read_request();
        peer.close_by_reset();
    }};
};

} // namespace keel::test
