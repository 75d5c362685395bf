// keeld, the keeper: parent of the engine and of every process of every unit.
//
// It keeps what must outlive an engine (children and their exit statuses, open descriptors, the
// orders of systemd) and decides nothing else. It waits for signals, for records on the channel
// and for its own deadlines; it never blocks on the engine, and allocates nothing once it runs.
#include "keeper/start.hpp"
#include "keeper/tables.hpp"
#include "keeper/wire.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace keel::keeper {
namespace {

using wire::Kind;
using wire::Record;
using Milliseconds = std::int64_t;

#ifndef KEEL_HEARTBEAT_LIMIT // tests have keepers of less patience
#define KEEL_HEARTBEAT_LIMIT 20'000
#define KEEL_RESTART_DELAY 100
#endif
constexpr Milliseconds heartbeat_limit = KEEL_HEARTBEAT_LIMIT;
constexpr Milliseconds first_heartbeat_limit = 3 * heartbeat_limit;
constexpr Milliseconds restart_delay = KEEL_RESTART_DELAY;
constexpr int restart_delay_doublings = 6;
constexpr int starts_until_shutdown_is_given_up = 5;
constexpr Milliseconds never = INT64_MAX, wait_max = 3'600'000;

const char* engine_program = nullptr;
char** command_line = nullptr; ///< ours, which the engine reads

constinit Children children = {};
constinit Held held = {};
int signals = -1;
int orders = 0;     ///< wire::Orders; shutdown and leave stay, apply is gone when it was told
int exit_code = -1; ///< for when the engine is gone; -1: another one is started
int starts = 0;     ///< of engines since one said ready
Milliseconds start_at = 0;
Milliseconds watchdog_at = never, watchdog_interval = 0; ///< when systemd is to hear of us

/// One engine's life, and what belongs to it.
struct Engine {
    pid_t pid = 0;    ///< 0: none runs
    int channel = -1; ///< our end
    bool channel_full = false;
    bool list_told = false; ///< all that was known when it began
    int orders_told = 0;
    Milliseconds hangs_at = never;
} engine;

Milliseconds now()
{
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1'000'000;
}

// ---- to the engine ------------------------------------------------------------------------------

/// With `fd`, unless it is -1, which stays ours.
bool tell(Record record, int fd = -1)
{
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
    iovec part{&record, sizeof record};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (fd >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        *head = {
            .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    const bool sent = sendmsg(engine.channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
    engine.channel_full = !sent && errno == EAGAIN;
    return sent;
}

/// Tells what there is to tell, until all is told or the channel is full.
void tell_news()
{
    engine.channel_full = false;
    if (const int fresh = orders & ~engine.orders_told; fresh != 0) {
        if (!tell({.kind = Kind::orders, .value = fresh})) return;
        engine.orders_told |= fresh & ~wire::apply;
        orders &= ~wire::apply;
    }
    for (int row = 0; (row = find_row(children.news, children.used, true)) >= 0;) {
        if (!tell(children.told[row].record)) return;
        children.news[row] = false;
    }
    if (!engine.list_told) engine.list_told = tell({.kind = Kind::list_end});
}

void tell_held(std::uint64_t key)
{
    const int fd = held.find(key);
    tell({.kind = fd >= 0 ? Kind::held : Kind::not_held, .id = key}, fd);
}

// ---- from the engine and from children in set-up ------------------------------------------------

/// `fd` came with it, or -1.
void handle(const Record& record, int fd)
{
    const Kind kind = record.kind;
    if (kind == Kind::hello && !children.add(record)) say("no room for child %d", record.pid);
    if (kind == Kind::acknowledge) children.forget_end(record.id);
    if (kind == Kind::heartbeat) engine.hangs_at = now() + heartbeat_limit;
    if (kind == Kind::ready) starts = 0;
    if (kind == Kind::notify) notify(record.text);
    if (kind == Kind::exit) exit_code = record.value & 0xff;
    if (kind == Kind::drop) held.drop(record.id);
    if (kind == Kind::fetch) tell_held(record.id);
    if (kind == Kind::hold && (fd < 0 || !held.hold(record.id, fd)))
        tell({.kind = Kind::hold_refused, .id = record.id});
}

/// All that was said so far.
void read_records()
{
    for (;;) {
        Record raw, record;
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
        iovec part{&raw, sizeof raw};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const ssize_t size = recvmsg(engine.channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (size < 0 && errno == ECONNRESET) continue; // unread by the dead; the rest is there yet
        if (size <= 0) return;
        int fd = -1;
        const cmsghdr* head = CMSG_FIRSTHDR(&message);
        if (head != nullptr && head->cmsg_type == SCM_RIGHTS)
            memcpy(&fd, CMSG_DATA(head), sizeof fd);
        const bool good =
            decode(wire::Reader::keeper, &raw, static_cast<std::size_t>(size), record);
        if (!good) say("a record of %zd bytes is not understood", size);
        if (fd >= 0 && !(good && record.kind == Kind::hold)) close(fd);
        if (good) handle(record, fd);
    }
}

// ---- deaths -------------------------------------------------------------------------------------

/// What it said counts, and what its children in set-up said. Whoever has not said hello by then
/// finds the channel shut and ends, so that no process runs of which the next engine is not told.
void engine_died(int status)
{
    shutdown(engine.channel, SHUT_RD);
    read_records();
    close(engine.channel);
    engine = {};
    if (exit_code >= 0) return;
    say("engine ended by %s %d, starting it again", WIFSIGNALED(status) ? "signal" : "exit code",
        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if ((orders & wire::shutdown) == 0 || starts < starts_until_shutdown_is_given_up) return;
    say("no engine lives long enough to stop the units; they are left running");
    exit_code = 1;
}

/// Each is looked at first and reaped last: until then its pid is nobody else's.
void reap()
{
    constexpr int how = WEXITED | WNOHANG | WNOWAIT | __WALL;
    for (siginfo_t dead{}; waitid(P_ALL, 0, &dead, how) == 0 && dead.si_pid != 0; dead = {}) {
        read_records(); // a child says hello before it can end, so its hello is there
        const int row = find_row(children.pid, children.used, dead.si_pid);
        int status = 0;
        waitpid(dead.si_pid, &status, __WALL);
        if (dead.si_pid == engine.pid)
            engine_died(status);
        else if (row >= 0)
            children.end(row, status);
    }
}

// ---- the engine's start -------------------------------------------------------------------------

[[noreturn]] void become_engine(int channel)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    dup2(channel, wire::engine_fd);
    char name[] = "keel-engine";
    command_line[0] = name;
    execv(engine_program, command_line);
    say("%s: %s", engine_program, strerror(errno));
    _exit(127);
}

void start_engine(Milliseconds at)
{
    // Counted from here: at once after a life of some length, ever later after lives of none.
    start_at = at + (restart_delay << std::min(starts, restart_delay_doublings));
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return say("socketpair: %s", strerror(errno));
    const pid_t child = fork();
    if (child == 0) become_engine(pair[1]);
    close(pair[1]);
    if (child < 0) {
        say("fork: %s", strerror(errno));
        close(pair[0]);
        return;
    }
    ++starts;
    engine = {.pid = child, .channel = pair[0], .hangs_at = at + first_heartbeat_limit};
    children.tell_all_again();
}

// ---- the loop -----------------------------------------------------------------------------------

void read_signals()
{
    signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == sizeof info) {
        const auto number = static_cast<int>(info.ssi_signo);
        if (number == SIGTERM || number == SIGINT) orders |= wire::shutdown;
        if (number == SIGHUP) orders |= wire::apply;
        if (number != SIGUSR2) continue;
        orders |= wire::leave;
        exit_code = 0;
    }
}

/// Does what is due; returns when the next thing is.
Milliseconds keep_deadlines()
{
    const Milliseconds at = now();
    if (engine.pid == 0 && exit_code >= 0) exit(exit_code);
    if (engine.pid == 0 && at >= start_at) start_engine(at);
    if (at >= engine.hangs_at) {
        // Somewhat late it is the engine that hangs; very late, the whole host did.
        const bool engine_hung = at - engine.hangs_at <= heartbeat_limit / 4;
        engine.hangs_at = at + heartbeat_limit;
        if (engine_hung) say("engine %d has not turned for too long, killing it", engine.pid);
        if (engine_hung) kill(engine.pid, SIGKILL);
    }
    if (at >= watchdog_at) {
        notify("WATCHDOG=1");
        watchdog_at = at + watchdog_interval;
    }
    return std::min(engine.pid == 0 ? start_at : engine.hangs_at, watchdog_at);
}

[[noreturn]] void run()
{
    for (;;) {
        const Milliseconds due = keep_deadlines();
        tell_news();
        pollfd watched[] = {{signals, POLLIN, 0}, {engine.channel, POLLIN, 0}};
        if (engine.channel_full) watched[1].events |= POLLOUT;
        poll(watched, 2, static_cast<int>(std::clamp<Milliseconds>(due - now(), 0, wait_max)));
        if (watched[0].revents != 0) {
            read_signals();
            reap();
        }
        read_records();
    }
}

} // namespace
} // namespace keel::keeper

int main(int, char** argv)
{
    using namespace keel::keeper;
    // From the first moment on no signal ends the keeper: each is kept until it can be served.
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    prepare();
    engine_program = find_engine();
    command_line = argv;
    watchdog_interval = connect_to_systemd();
    if (watchdog_interval > 0) watchdog_at = now();
    signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0) die("signalfd");
    run();
}
