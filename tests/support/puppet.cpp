// puppet WORD…: a child that does as it is told, word by word, and then ends with exit code 0.
//
//   stamp FILE      write CLOCK_MONOTONIC in ns, read first thing in main, to FILE
//   pid FILE        write its pid to FILE
//   report FILE     write what it was born with to FILE, one `key value` a line
//   say TEXT        print a line            mumble TEXT   print without an end of line
//   flood BYTES     print numbered lines, so many bytes
//   ignore SIGNAL   ignore a signal, by number
//   wait FILE       until somebody opens the FIFO for writing and closes it
//   after MS        until that much time has passed since its start
//   listen PORT     accept on 127.0.0.1:PORT and close, for ever
//   serve PORT      answer 200 to whatever is asked on 127.0.0.1:PORT, for ever
//   fork FILE       a child in the same group that hangs; its pid goes to FILE
//   session FILE    a child in a session of its own that hangs
//   daemon FILE     a grandchild that double-forked into a session of its own and hangs
//   quiet-daemon FILE the same, with an empty environment
//   bare-daemon FILE  the same, with closed descriptors too
//   close-fds       close every descriptor
//   hang            for ever
//   exit CODE       end now                 raise SIGNAL  die of a signal
//
// A file appears whole (it is renamed into place), so a test may wait for its name.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <functional>
#include <grp.h>
#include <map>
#include <netinet/in.h>
#include <sched.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

std::int64_t born = 0;

std::int64_t now()
{
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

void put(int fd, const std::string& text)
{
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t size = write(fd, text.data() + at, text.size() - at);
        if (size <= 0) return;
        at += static_cast<std::size_t>(size);
    }
}

void write_file(const std::string& path, const std::string& text)
{
    const std::string part = path + "." + std::to_string(getpid());
    const int fd = open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    put(fd, text);
    close(fd);
    if (rename(part.c_str(), path.c_str()) != 0) std::_Exit(99);
}

[[noreturn]] void hang()
{
    for (;;)
        pause();
}

void until(std::int64_t moment)
{
    const timespec time{moment / 1'000'000'000, moment % 1'000'000'000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) != 0) {
    }
}

std::string open_descriptors()
{
    std::string list;
    for (int fd = 0; fd < 1024; ++fd)
        if (fcntl(fd, F_GETFD) >= 0) list += (list.empty() ? "" : ",") + std::to_string(fd);
    return list;
}

std::string ignored_signals()
{
    std::string list;
    for (int number = 1; number < 65; ++number) {
        struct sigaction action {};
        if (sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
            list += (list.empty() ? "" : ",") + std::to_string(number);
    }
    return list;
}

std::string blocked_signals()
{
    std::uint64_t mask = 0;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &mask, sizeof mask);
    return std::to_string(mask);
}

std::string groups()
{
    gid_t list[64];
    const int count = getgroups(64, list);
    std::string text;
    for (int i = 0; i < count; ++i)
        text += (i == 0 ? "" : ",") + std::to_string(list[i]);
    return text;
}

std::string first_line(const char* path)
{
    char text[64] = "";
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    return {text, size > 0 ? static_cast<std::size_t>(size) - 1 : 0};
}

std::string processors()
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return "unknown";
    std::string list;
    for (int number = 0; number < CPU_SETSIZE; ++number)
        if (CPU_ISSET(number, &set)) list += (list.empty() ? "" : ",") + std::to_string(number);
    return list;
}

void report(const std::string& path)
{
    char directory[4096] = "";
    if (getcwd(directory, sizeof directory) == nullptr) directory[0] = 0;
    const mode_t mask = umask(0);
    umask(mask);
    rlimit files{}, core{};
    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_CORE, &core);
    std::string text;
    const auto line = [&text](const std::string& key, const std::string& value) {
        text += key + " " + value + "\n";
    };
    line("pid", std::to_string(getpid()));
    line("session", std::to_string(getsid(0)));
    line("group", std::to_string(getpgrp()));
    line("parent", std::to_string(getppid()));
    line("user", std::to_string(getuid()) + "," + std::to_string(geteuid()));
    line("gid", std::to_string(getgid()) + "," + std::to_string(getegid()));
    line("groups", groups());
    line("directory", directory);
    line("umask", std::to_string(mask));
    line("descriptors", open_descriptors());
    line("ignored", ignored_signals());
    line("blocked", blocked_signals());
    line("nofile", std::to_string(files.rlim_cur));
    line("nofile-hard", std::to_string(files.rlim_max));
    line("nice", std::to_string(getpriority(PRIO_PROCESS, 0)));
    line("oom-score", first_line("/proc/self/oom_score_adj"));
    line("processors", processors());
    line("core", std::to_string(core.rlim_cur));
    for (char** entry = environ; *entry != nullptr; ++entry)
        line("environment", *entry);
    write_file(path, text);
}

void flood(std::size_t bytes)
{
    std::string block;
    for (std::size_t sent = 0, number = 0; sent < bytes; sent += block.size()) {
        block.clear();
        while (block.size() < 4096)
            block += "flood line " + std::to_string(number++) + "\n";
        put(STDOUT_FILENO, block);
    }
}

void wait_for(const std::string& path)
{
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    char byte = 0;
    while (read(fd, &byte, 1) > 0) {
    }
    close(fd);
}

int listener_on(int port)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 64) != 0)
        std::_Exit(98);
    return fd;
}

[[noreturn]] void listen_on(int port)
{
    const int fd = listener_on(port);
    for (;;)
        close(accept(fd, nullptr, nullptr));
}

[[noreturn]] void serve_on(int port)
{
    const int fd = listener_on(port);
    char request[4096];
    for (;;) {
        const int client = accept(fd, nullptr, nullptr);
        if (read(client, request, sizeof request) > 0)
            put(client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        close(client);
    }
}

enum class Kind { same_group, session, daemon, quiet_daemon, bare_daemon };

void descend(Kind kind, const std::string& path)
{
    if (fork() != 0) {
        while (access(path.c_str(), F_OK) != 0)
            until(now() + 1'000'000); // its pid is known first
        return;
    }
    if (kind != Kind::same_group) setsid();
    if (kind >= Kind::daemon && fork() != 0) std::_Exit(0);
    if (kind >= Kind::quiet_daemon) {
        char name[] = "/proc/self/exe", word[] = "puppet", command[] = "pid", last[] = "hang";
        std::string copy = path;
        char* words[] = {word, command, copy.data(), last, nullptr};
        char* nothing[] = {nullptr};
        for (int fd = 0; fd < 64 && kind == Kind::bare_daemon; ++fd)
            close(fd);
        execve(name, words, nothing);
        std::_Exit(97);
    }
    write_file(path, std::to_string(getpid()) + "\n");
    hang();
}

/// Words that take an argument.
const std::map<std::string, std::function<void(const std::string&)>> verbs{
    {"stamp", [](const std::string& path) { write_file(path, std::to_string(born) + "\n"); }},
    {"pid", [](const std::string& path) { write_file(path, std::to_string(getpid()) + "\n"); }},
    {"report", report},
    {"say", [](const std::string& text) { put(STDOUT_FILENO, text + "\n"); }},
    {"mumble", [](const std::string& text) { put(STDOUT_FILENO, text); }},
    {"flood", [](const std::string& bytes) { flood(std::stoul(bytes)); }},
    {"ignore", [](const std::string& number) { signal(std::stoi(number), SIG_IGN); }},
    {"wait", wait_for},
    {"after", [](const std::string& ms) { until(born + std::stoll(ms) * 1'000'000); }},
    {"listen", [](const std::string& port) { listen_on(std::stoi(port)); }},
    {"serve", [](const std::string& port) { serve_on(std::stoi(port)); }},
    {"fork", [](const std::string& path) { descend(Kind::same_group, path); }},
    {"session", [](const std::string& path) { descend(Kind::session, path); }},
    {"daemon", [](const std::string& path) { descend(Kind::daemon, path); }},
    {"quiet-daemon", [](const std::string& path) { descend(Kind::quiet_daemon, path); }},
    {"bare-daemon", [](const std::string& path) { descend(Kind::bare_daemon, path); }},
    {"exit", [](const std::string& code) { std::_Exit(std::stoi(code)); }},
    {"raise",
     [](const std::string& number) {
         signal(std::stoi(number), SIG_DFL);
         raise(std::stoi(number));
     }},
};

} // namespace

int main(int count, char** words)
{
    born = now();
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        const auto verb = verbs.find(word);
        if (word == "hang") hang();
        if (word == "close-fds") {
            syscall(SYS_close_range, 0, ~0U, 0);
        } else if (verb != verbs.end() && i + 1 < count) {
            verb->second(words[++i]);
        } else {
            put(STDERR_FILENO, "puppet: not understood: " + word + "\n");
            return 96;
        }
    }
    return 0;
}
