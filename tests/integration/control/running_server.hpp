// A control server with a fake engine behind it, on a real loop in a thread of its own, under a
// temporary root; and the program `keel` run against it.
//
// The engine's side is touched only through on_loop(), which runs a piece of the test on the loop.
#pragma once
#include "control/client.hpp"
#include "control/server.hpp"
#include "sys/loop.hpp"
#include "tests/support/fake_supervisor.hpp"

#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace keel::test {

/// A loop that knows how many timers wait on it.
class TimerCounter final : public ports::Loop {
public:
    explicit TimerCounter(ports::Loop& inner) : inner_(inner) {}

    [[nodiscard]] int timers() const { return *timers_; }

    [[nodiscard]] Now now() const override { return inner_.now(); }
    [[nodiscard]] Registration watch_fd(int fd, ports::Interest interest,
                                        std::function<void(ports::FdEvents)> handler) override
    {
        return inner_.watch_fd(fd, interest, std::move(handler));
    }
    [[nodiscard]] Registration after(Duration delay, std::function<void()> handler) override;
    void defer(std::function<void()> handler) override { inner_.defer(std::move(handler)); }
    void offload(std::function<void()> work, std::function<void()> done) override
    {
        inner_.offload(std::move(work), std::move(done));
    }

private:
    ports::Loop& inner_;
    std::shared_ptr<int> timers_ = std::make_shared<int>(0);
};

class RunningServer {
public:
    using Options = control::ControlServer::Options;

    explicit RunningServer(Options options = {.version = "1.2.3"});
    ~RunningServer();

    /// Runs `piece` on the loop's thread and waits for it.
    void on_loop(const std::function<void()>& piece);
    /// From a piece: runs another one in a later turn of the loop.
    void on_later(std::function<void()> piece);

    /// Ends the server and starts another on the same socket, as when an engine is replaced.
    void replace_server();

    /// On the loop's thread only, for a server that a test makes itself.
    [[nodiscard]] ports::Loop& loop() { return *counted_loop_; }

    /// Timers that the server has on its loop. On the loop's thread only.
    [[nodiscard]] int timers() const { return counted_loop_->timers(); }

    FakeSupervisor engine;
    FakeConfigurer configurer;
    std::shared_ptr<FakeLogs> logs = std::make_shared<FakeLogs>();
    std::optional<control::ControlServer> server; ///< on the loop's thread only
    std::string root;                             ///< of --root
    std::string socket_path;
    std::uint16_t port = 0; ///< of the pages

    /// Body of a GET; fails the test unless the answer is 2xx.
    std::string get(const std::string& target) const;
    control::Response call(const std::string& method, const std::string& target,
                           const std::string& body = {}) const;

private:
    void run();
    void start_server();

    std::promise<void> ready_;
    sys::UvLoop* loop_ = nullptr;
    std::optional<TimerCounter> counted_loop_;
    int wake_fd_ = -1;
    std::mutex mutex_;
    std::vector<std::function<void()>> pieces_;
    Options options_;
    std::thread thread_;
};

struct Ended {
    int exit_code = -1; ///< −1: ended by a signal
    std::string out;
    std::string err;
};

/// Who runs a program; none: who runs the test.
struct As {
    uid_t uid = 0;
    std::vector<gid_t> groups;
};

/// The program `keel`, run to its end. `environment` is added to a bare one with TZ=UTC.
Ended run_keel(const std::vector<std::string>& arguments,
               const std::vector<std::string>& environment = {}, std::optional<As> as = {});

/// The same under way, its output read as it comes.
class RunningKeel {
public:
    RunningKeel(const std::vector<std::string>& arguments,
                const std::vector<std::string>& environment = {}, std::optional<As> as = {});
    ~RunningKeel();
    RunningKeel(const RunningKeel&) = delete;
    RunningKeel& operator=(const RunningKeel&) = delete;

    /// Reads on until stdout holds `text`; false if it ends first.
    bool wait_for(const std::string& text);
    void signal(int number) const;
    Ended finish();

private:
    bool read_some();

    pid_t pid_ = -1;
    int out_fd_ = -1;
    int err_fd_ = -1;
    Ended ended_;
};

/// Raw bytes over a socket, for what a proper client never sends.
int connect_to(const std::string& socket_path);
int connect_to_port(std::uint16_t port);
void send_all(int fd, std::string_view bytes);
/// All that comes until the other side ends the connection.
std::string read_to_end(int fd);

} // namespace keel::test
