#include "host.hpp"

#include "base/owned_fd.hpp"
#include "sys/process_tree.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace keel::test {

namespace fs = std::filesystem;

namespace {

constexpr int patience = 30'000; ///< milliseconds; met only by a defect

void await_readable(int fd, const std::string& what)
{
    pollfd one{fd, POLLIN, 0};
    if (::poll(&one, 1, patience) != 1) throw std::runtime_error("nothing came: " + what);
}

std::string read_all(const std::string& path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

pid_t launch(const Words& words, const std::map<std::string, std::string>& extra, int output)
{
    std::vector<char*> arguments;
    for (const std::string& word : words)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    for (const auto& [key, value] : extra)
        ::setenv(key.c_str(), value.c_str(), 1);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
}

} // namespace

// ---- EngineLink ---------------------------------------------------------------------------------

EngineLink::EngineLink(EngineLink&& other) noexcept
    : pid(other.pid), flags(std::move(other.flags)), fd_(std::exchange(other.fd_, -1)),
      input_(std::move(other.input_)), skipped_(std::move(other.skipped_))
{}

EngineLink::~EngineLink()
{
    if (fd_ >= 0) ::close(fd_);
}

void EngineLink::tell(const std::string& line)
{
    const std::string whole = line + "\n";
    (void)!::send(fd_, whole.data(), whole.size(), MSG_NOSIGNAL);
}

bool EngineLink::fill()
{
    await_readable(fd_, "from the engine");
    char part[65536];
    const ssize_t size = ::recv(fd_, part, sizeof part, 0);
    if (size > 0) input_.append(part, static_cast<std::size_t>(size));
    return size > 0;
}

std::optional<Words> EngineLink::next()
{
    if (!skipped_.empty()) {
        Words first = skipped_.front();
        skipped_.erase(skipped_.begin());
        return first;
    }
    while (input_.find('\n') == std::string::npos)
        if (!fill()) return std::nullopt;
    const std::size_t end = input_.find('\n');
    std::istringstream line(input_.substr(0, end));
    input_.erase(0, end + 1);
    Words words;
    for (std::string word; line >> word;)
        words.push_back(word);
    return words;
}

Words EngineLink::await(const std::string& beginning)
{
    std::istringstream text(beginning);
    Words wanted;
    for (std::string word; text >> word;)
        wanted.push_back(word);
    std::vector<Words> others;
    for (;;) {
        const auto line = next();
        if (!line) throw std::runtime_error("the engine is gone; not heard: " + beginning);
        if (line->size() >= wanted.size() &&
            std::equal(wanted.begin(), wanted.end(), line->begin())) {
            skipped_.insert(skipped_.begin(), others.begin(), others.end());
            return *line;
        }
        others.push_back(*line);
    }
}

std::vector<Words> EngineLink::rest()
{
    std::vector<Words> lines;
    while (auto line = next())
        lines.push_back(*line);
    return lines;
}

// ---- Host ---------------------------------------------------------------------------------------

Host::Host(const std::string& keeper, std::map<std::string, std::string> extra)
    : environment(std::move(extra))
{
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    char name[] = "/tmp/keel-spawner-XXXXXX";
    root_ = ::mkdtemp(name);
    fs::create_directories(root_ + "/bin");
    fs::copy_file(std::string(KEEL_BIN_DIR) + "/" + keeper, root_ + "/bin/keeld");
    fs::create_symlink(std::string(KEEL_BIN_DIR) + "/test_engine", root_ + "/bin/keel-engine");
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path("test.sock").c_str(), sizeof address.sun_path - 1);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 64) != 0)
        throw std::runtime_error("test socket");
}

Host::~Host()
{
    if (log().find("Sanitizer") != std::string::npos) ADD_FAILURE() << "a sanitizer spoke up";
    if (testing::Test::HasFailure() || std::uncaught_exceptions() > 0)
        std::fprintf(stderr, "keeper and engine said:\n%s", log().c_str());
    if (keeper_ > 0) ::kill(keeper_, SIGKILL);
    // Children are orphaned to us one after the other, as their parents die.
    for (;;) {
        const int reaped = ::waitpid(-1, nullptr, WNOHANG | __WALL);
        if (reaped < 0) break;
        if (reaped > 0) continue;
        for (const auto& row : sys::read_process_table({}))
            if (row.parent == ::getpid() && !row.dead) ::kill(row.identity.pid, SIGKILL);
        (void)::waitpid(-1, nullptr, __WALL);
    }
    ::close(listener_);
    fs::remove_all(root_);
}

std::string Host::puppet() const { return std::string(KEEL_BIN_DIR) + "/puppet"; }
std::string Host::log() const { return read_all(path("log")); }

void Host::start_keeper()
{
    const int log = ::open(path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    keeper_ = launch({path("bin/keeld"), "--root", root_}, environment, log);
    ::close(log);
}

EngineLink Host::engine()
{
    await_readable(listener_, "an engine; keeper said:\n" + log());
    EngineLink link(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    const auto greeting = link.next();
    if (!greeting) throw std::runtime_error("the engine died before its greeting");
    link.pid = std::stoi(greeting->at(1));
    link.flags.assign(greeting->begin() + 2, greeting->end());
    return link;
}

void Host::signal_keeper(int number) const { ::kill(keeper_, number); }

void Host::kill_keeper()
{
    ::kill(keeper_, SIGKILL);
    (void)await_keeper();
}

int Host::await_keeper()
{
    int status = 0;
    ::waitpid(keeper_, &status, 0);
    keeper_ = -1;
    return status;
}

std::pair<int, std::string> Host::run_keeper(const Words& arguments) const
{
    Words words{path("bin/keeld")};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run(words);
}

std::pair<int, std::string> Host::run_daemon(const Words& arguments) const
{
    Words words{std::string(KEEL_BIN_DIR) + "/keeld"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run(words);
}

std::pair<int, std::string> Host::run(const Words& words) const
{
    const std::string file = path("second.log");
    const int log = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    const pid_t pid = launch(words, environment, log);
    ::close(log);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_all(file)};
}

// ---- what happens on the host -------------------------------------------------------------------

std::string await_file(const std::string& path)
{
    const OwnedFd notices(::inotify_init1(IN_CLOEXEC));
    ::inotify_add_watch(notices.get(), fs::path(path).parent_path().c_str(), IN_MOVED_TO);
    while (!fs::exists(path)) {
        await_readable(notices.get(), path);
        char events[4096];
        (void)!::read(notices.get(), events, sizeof events);
    }
    return read_all(path);
}

pid_t await_pid(const std::string& path) { return std::stoi(await_file(path)); }

bool is_alive(pid_t pid)
{
    const auto row = sys::read_process(pid);
    return row && !row->dead;
}

void await_death(pid_t pid)
{
    const OwnedFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (pidfd) await_readable(pidfd.get(), "death of " + std::to_string(pid));
}

} // namespace keel::test
