#include "tests/integration/control/running_server.hpp"

#include <arpa/inet.h>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace keel::test {
namespace {

/// Only stops a failure.
constexpr int bound = 60'000; // milliseconds

std::string make_root()
{
    std::string pattern = "/tmp/keel-control-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    // Others must reach the socket, as they do in /run.
    ::chmod(pattern.c_str(), 0755);
    std::filesystem::create_directories(pattern + "/run/keel");
    return pattern;
}

} // namespace

ports::Loop::Registration TimerCounter::after(Duration delay, std::function<void()> handler)
{
    /// Counts for as long as the timer waits: until it fires or is forgotten.
    struct Counted {
        explicit Counted(std::shared_ptr<int> count) : timers(std::move(count)) { ++*timers; }
        ~Counted() { --*timers; }
        Counted(const Counted&) = delete;
        Counted& operator=(const Counted&) = delete;
        std::shared_ptr<int> timers;
    };
    auto counted = std::make_shared<std::optional<Counted>>(std::in_place, timers_);
    return inner_.after(delay, [counted, handler = std::move(handler)] {
        counted->reset();
        handler();
    });
}

RunningServer::RunningServer(Options options)
    : root(make_root()), socket_path(root + "/run/keel/control.sock"), options_(std::move(options))
{
    wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    thread_ = std::thread([this] { run(); });
    ready_.get_future().wait();
}

RunningServer::~RunningServer()
{
    on_loop([this] { loop_->stop(); });
    thread_.join();
    ::close(wake_fd_);
    std::filesystem::remove_all(root);
}

void RunningServer::run()
{
    sys::UvLoop loop;
    loop_ = &loop;
    counted_loop_.emplace(loop);
    const auto wake = loop.watch_fd(wake_fd_, ports::Interest::readable, [this](ports::FdEvents) {
        std::uint64_t count = 0;
        (void)!::read(wake_fd_, &count, sizeof count);
        std::vector<std::function<void()>> pieces;
        {
            const std::lock_guard lock(mutex_);
            pieces.swap(pieces_);
        }
        for (const auto& piece : pieces)
            piece();
    });
    start_server();
    ready_.set_value();
    loop.run();
    server.reset();
}

void RunningServer::start_server()
{
    const auto metrics = [](const std::function<void(control::MetricsPage)>& give) {
        give(std::make_shared<const std::string>("keel_build_info{version=\"1.2.3\"} 1\n"));
    };
    server.emplace(
        control::ControlServer::Sources{*counted_loop_, engine, logs, metrics, configurer},
        options_);
    EXPECT_TRUE(server->listen_on_socket(socket_path).ok());
    const auto pages = server->listen_for_pages("127.0.0.1:0");
    EXPECT_TRUE(pages.ok());
    port = pages.ok() ? *pages : 0;
}

void RunningServer::replace_server()
{
    on_loop([this] {
        if (server) server->leave_socket();
        server.reset();
    });
    on_loop([this] { start_server(); });
}

void RunningServer::on_loop(const std::function<void()>& piece)
{
    std::promise<void> done;
    {
        const std::lock_guard lock(mutex_);
        pieces_.push_back([&] {
            piece();
            done.set_value();
        });
    }
    const std::uint64_t one = 1;
    (void)!::write(wake_fd_, &one, sizeof one);
    done.get_future().wait();
}

void RunningServer::on_later(std::function<void()> piece) { loop_->defer(std::move(piece)); }

control::Response RunningServer::call(const std::string& method, const std::string& target,
                                      const std::string& body) const
{
    auto begun =
        control::Call::begin(socket_path, {.method = method, .target = target, .body = body});
    if (const auto* trouble = control::trouble_of(begun)) {
        ADD_FAILURE() << target << ": " << trouble->text;
        return {};
    }
    auto answer =
        std::get<control::Call>(begun).finish(control::deadline_in(std::chrono::minutes(1)));
    if (const auto* trouble = control::trouble_of(answer)) {
        ADD_FAILURE() << target << ": " << trouble->text;
        return {};
    }
    return std::get<control::Response>(answer);
}

std::string RunningServer::get(const std::string& target) const
{
    const auto response = call("GET", target);
    EXPECT_EQ(response.status, 200) << target << ": " << response.body;
    return response.body;
}

RunningKeel::RunningKeel(const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment, std::optional<As> as)
{
    int out[2], err[2];
    if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0)
        throw std::runtime_error("pipe");
    const std::string program = std::string(KEEL_BIN_DIR) + "/keel";
    std::vector<std::string> words = {program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<std::string> variables = {"TZ=UTC", "PATH=/usr/bin:/bin"};
    variables.insert(variables.end(), environment.begin(), environment.end());
    const auto pointers = [](std::vector<std::string>& strings) {
        std::vector<char*> list;
        for (auto& string : strings)
            list.push_back(string.data());
        list.push_back(nullptr);
        return list;
    };
    const auto argv = pointers(words);
    const auto envp = pointers(variables);
    // Opened before: another user may not be allowed into the folder that it is in, such as /root.
    const int file = ::open(program.c_str(), O_PATH | O_CLOEXEC);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::signal(SIGINT, SIG_DFL); // Whoever runs the tests in the background ignores it.
        ::dup2(out[1], 1);
        ::dup2(err[1], 2);
        const bool changed = !as || (::setgroups(as->groups.size(), as->groups.data()) == 0 &&
                                     ::setresgid(as->uid, as->uid, as->uid) == 0 &&
                                     ::setresuid(as->uid, as->uid, as->uid) == 0);
        if (changed) ::fexecve(file, argv.data(), envp.data());
        ::_exit(127);
    }
    ::close(file);
    ::close(out[1]);
    ::close(err[1]);
    out_fd_ = out[0];
    err_fd_ = err[0];
}

RunningKeel::~RunningKeel()
{
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        (void)finish();
    }
}

/// Waits for output of either kind; false: both have ended.
bool RunningKeel::read_some()
{
    pollfd both[2] = {{out_fd_, POLLIN, 0}, {err_fd_, POLLIN, 0}};
    if (out_fd_ < 0 && err_fd_ < 0) return false;
    if (::poll(both, 2, bound) <= 0) {
        ADD_FAILURE() << "keel says nothing; so far: " << ended_.out << ended_.err;
        ::kill(pid_, SIGKILL);
        return false;
    }
    const auto take = [](const pollfd& ready, int& fd, std::string& text) {
        if (ready.revents == 0) return;
        char room[65536];
        const ssize_t count = ::read(fd, room, sizeof room);
        if (count > 0) {
            text.append(room, static_cast<std::size_t>(count));
        } else {
            ::close(fd);
            fd = -1;
        }
    };
    take(both[0], out_fd_, ended_.out);
    take(both[1], err_fd_, ended_.err);
    return true;
}

bool RunningKeel::wait_for(const std::string& text)
{
    while (ended_.out.find(text) == std::string::npos)
        if (!read_some()) return ended_.out.find(text) != std::string::npos;
    return true;
}

void RunningKeel::signal(int number) const { ::kill(pid_, number); }

Ended RunningKeel::finish()
{
    while (read_some()) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    if (WIFEXITED(status)) ended_.exit_code = WEXITSTATUS(status);
    return ended_;
}

Ended run_keel(const std::vector<std::string>& arguments,
               const std::vector<std::string>& environment, std::optional<As> as)
{
    return RunningKeel(arguments, environment, std::move(as)).finish();
}

int connect_to(const std::string& socket_path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
}

int connect_to_port(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
}

void send_all(int fd, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

std::string read_to_end(int fd)
{
    std::string all;
    for (;;) {
        pollfd readable{fd, POLLIN, 0};
        if (::poll(&readable, 1, bound) <= 0) {
            ADD_FAILURE() << "the connection neither speaks nor ends; so far: " << all;
            return all;
        }
        char room[65536];
        const ssize_t count = ::recv(fd, room, sizeof room, 0);
        if (count <= 0) return all;
        all.append(room, static_cast<std::size_t>(count));
    }
}

} // namespace keel::test
