// keeld, the keeper: parent of the engine and of every process of every unit.
//
// It keeps what must outlive an engine (children and their exit statuses, open descriptors, the
// orders of systemd) and decides nothing else. It waits for signals, for records on the channel
// and for its own deadlines; it never blocks on the engine, and allocates nothing once it runs.
#include "keeper/start.hpp"
#include "keeper/tables.hpp"
#include "keeper/wire.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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
constexpr Milliseconds restart_delay = KEEL_RESTART_DELAY;
constexpr Milliseconds first_heartbeat_limit = 3 * heartbeat_limit;
constexpr Milliseconds restart_delay_max = 5'000, setup_limit = 2'000;
constexpr Milliseconds never = INT64_MAX;
constexpr int deaths_until_state_aside = 3, deaths_until_shutdown_is_given_up = 5;

Settings settings;
Children children;
Held held;

int channel = -1;    ///< the keeper's end
int engine_end = -1; ///< the engine's end, kept so that the channel outlives engines
int life = -1;       ///< hangs up when the engine and all children in set-up are gone
int signals = -1;

pid_t engine = 0;        ///< 0: none runs
std::uint32_t epoch = 0; ///< counts engines
int deaths = 0;          ///< of engines in a row before one said ready
bool was_ready = false;  ///< this engine did
bool leaving = false;    ///< it said exit, or SIGUSR2 came: its end is ours
int exit_code = 0;
Milliseconds started_at = 0, start_at = 0;               ///< this engine; the next one
Milliseconds beat_limit = never;                         ///< when this engine counts as hung
Milliseconds watchdog_at = never, watchdog_interval = 0; ///< when systemd is to hear next

bool listening = false; ///< this engine asked for the list: everything below may be told
bool channel_full = false;
struct Order {
    Kind kind;
    bool wanted, told; ///< told: to this engine
} shutdown_order{Kind::shutdown, false, false}, leave_order{Kind::leave, false, false},
    apply_order{Kind::apply, false, false};
bool list_told = true;
int child_cursor = 0;        ///< next row to list
std::uint64_t ends = 0;      ///< so far: the order of the last one
std::uint64_t ends_told = 0; ///< the order of the last one told to this engine

Milliseconds now()
{
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1'000'000;
}

// ---- to the engine ------------------------------------------------------------------------------

bool send_record(Record record)
{
    record.epoch = epoch;
    const bool sent = send(channel, &record, sizeof record, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
    channel_full = !sent && errno == EAGAIN;
    return sent;
}

bool send_child(Kind kind, int row)
{
    Record record{.kind = kind,
                  .id = children.spawn[row],
                  .pid = children.pid[row],
                  .start_ticks = children.start_ticks[row]};
    record.value = kind == Kind::exited ? children.status[row] : 0;
    record.number = kind == Kind::exited ? children.order[row] : 0;
    memcpy(record.text, children.name[row], sizeof children.name[row]);
    return send_record(record);
}

bool tell(Order& order)
{
    if (order.wanted && !order.told) order.told = send_record({.kind = order.kind});
    return order.told || !order.wanted;
}

/// Sends what there is to say, until all is said or the channel is full.
void tell_engine()
{
    channel_full = false;
    if (!listening || !tell(shutdown_order) || !tell(leave_order) || !tell(apply_order)) return;
    for (; !list_told && child_cursor < children.used; ++child_cursor)
        if (children.lives(child_cursor) && !send_child(Kind::child, child_cursor)) return;
    while (ends_told < ends) {
        const int row = children.next_end(ends_told);
        if (row >= 0 && !send_child(Kind::exited, row)) return;
        ends_told = row >= 0 ? children.order[row] : ends;
    }
    if (!list_told) list_told = send_record({.kind = Kind::list_end});
}

// ---- from the engine and from children in set-up ------------------------------------------------

void add_child(const Record& hello)
{
    const int row = free_row(children.spawn, children.used);
    if (row < 0) return say("no room for child %d", hello.pid);
    children.spawn[row] = hello.id;
    children.pid[row] = hello.pid;
    children.start_ticks[row] = hello.start_ticks;
    children.order[row] = 0;
    memcpy(children.name[row], hello.text, sizeof children.name[row] - 1);
}

void begin_list()
{
    listening = true;
    list_told = shutdown_order.told = leave_order.told = false;
    child_cursor = 0;
    ends_told = 0;
}

/// `fd` came with it, or -1.
void handle(const Record& record, int fd)
{
    const Kind kind = record.kind;
    const bool refused = kind == Kind::hold && (fd < 0 || !held.hold(record.id, fd));
    if (refused) send_record({.kind = Kind::hold_refused, .id = record.id});
    if (kind == Kind::drop) held.drop(record.id);
    if (kind == Kind::hello) add_child(record);
    if (kind == Kind::list) begin_list();
    if (kind == Kind::acknowledge) children.forget_end(record.id);
    if (kind == Kind::heartbeat) beat_limit = now() + heartbeat_limit;
    if (kind == Kind::notify) notify(record.text);
    if (kind == Kind::ready) {
        was_ready = true;
        deaths = 0;
    } else if (kind == Kind::exit) {
        leaving = true;
        exit_code = record.value;
    }
}

/// One record with the descriptor that came with it, or -1. False: there is none.
bool receive(Record& raw, ssize_t& size, int& fd)
{
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    iovec part{&raw, sizeof raw};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    size = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) return false;
    fd = -1;
    const cmsghdr* head = CMSG_FIRSTHDR(&message);
    if (head != nullptr && head->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return true;
}

void read_records()
{
    Record raw, record;
    ssize_t size = 0;
    int fd = -1;
    while (receive(raw, size, fd)) {
        const bool good =
            decode(wire::Reader::keeper, &raw, static_cast<std::size_t>(size), record);
        if (!good) say("a record of %zd bytes is not understood", size);
        const bool current = good && (record.epoch == epoch || record.kind == Kind::hello);
        const bool keep = current && record.kind == Kind::hold;
        if (fd >= 0 && !keep) close(fd);
        if (current) handle(record, keep ? fd : -1);
    }
}

// ---- deaths -------------------------------------------------------------------------------------

[[noreturn]] void finish(int code)
{
    write_pid(settings, "engine.pid", 0);
    write_pid(settings, "keeld.pid", 0);
    exit(code);
}

void engine_died(int status)
{
    write_pid(settings, "engine.pid", 0);
    engine = 0;
    listening = false;
    beat_limit = never;
    if (leaving) finish(exit_code);
    if (!was_ready) ++deaths;
    if (shutdown_order.wanted && deaths >= deaths_until_shutdown_is_given_up) {
        say("no engine lives long enough to stop the units; they are left running");
        finish(1);
    }
    Milliseconds delay = 0;
    if (was_ready) delay = started_at + restart_delay - now();
    if (deaths > 1) delay = std::min(restart_delay << std::min(deaths - 2, 10), restart_delay_max);
    start_at = now() + std::max<Milliseconds>(delay, 0);
    say("engine ended by %s %d, starting it again", WIFSIGNALED(status) ? "signal" : "exit code",
        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    // What the dead engine did not read must not be taken for news by the next one.
    char stale[sizeof(Record)];
    while (recv(engine_end, stale, sizeof stale, MSG_DONTWAIT) > 0) {
    }
}

/// Somebody who has ended and was not reaped yet, or 0.
pid_t next_dead()
{
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0) return 0;
    return info.si_pid;
}

void reap()
{
    while (const pid_t pid = next_dead()) {
        int row = children.find_living(pid), status = 0;
        if (row < 0) read_records(); // a child says hello before it can end, so its hello is there
        if (row < 0) row = children.find_living(pid);
        waitpid(pid, &status, __WALL);
        if (pid == engine) {
            engine_died(status);
        } else if (row >= 0) {
            children.status[row] = status;
            children.order[row] = ++ends;
        } else if (listening) {
            send_record({.kind = Kind::orphan_exited, .pid = pid});
        }
    }
}

// ---- the engine's start -------------------------------------------------------------------------

[[noreturn]] void become_engine(int life_end)
{
    char number[16];
    snprintf(number, sizeof number, "%u", epoch);
    const char* words[12] = {"keel-engine", "--epoch", number};
    int count = 3;
    const auto add = [&](const char* option, const char* value) {
        if (value == nullptr) return;
        words[count++] = option;
        if (*value != 0) words[count++] = value;
    };
    add("--root", settings.root[0] != 0 ? settings.root : nullptr);
    add("--http", settings.http);
    add("--log-level", settings.level);
    add("--after-crash", settings.after_crash ? "" : nullptr);
    add("--state-aside", deaths >= deaths_until_state_aside ? "" : nullptr);
    dup2(engine_end, wire::engine_fd);
    dup2(life_end, wire::life_fd);
    dup2(settings.lock, wire::lock_fd);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execv(settings.engine, const_cast<char**>(words));
    say("%s: %s", settings.engine, strerror(errno));
    _exit(127);
}

void start_engine()
{
    int pair[2];
    ++epoch;
    started_at = now();
    start_at = started_at + restart_delay_max; // if it cannot even be started
    was_ready = leaving = false;
    if (pipe2(pair, O_CLOEXEC) != 0) return say("pipe: %s", strerror(errno));
    if (life >= 0) close(life);
    life = lift(pair[0]);
    const int other = lift(pair[1]);
    const pid_t child = fork();
    if (child == 0) become_engine(other);
    close(other);
    if (child < 0) return say("fork: %s", strerror(errno));
    engine = child;
    settings.after_crash = true;
    beat_limit = started_at + first_heartbeat_limit;
    write_pid(settings, "engine.pid", engine);
}

// ---- the loop -----------------------------------------------------------------------------------

void read_signals()
{
    signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == sizeof info) {
        const auto number = static_cast<int>(info.ssi_signo);
        if (number == SIGHUP) apply_order = {Kind::apply, true, false};
        if (number == SIGTERM || number == SIGINT) shutdown_order.wanted = true;
        if (number != SIGUSR2) continue;
        leave_order.wanted = leaving = true;
        exit_code = 0;
        if (engine == 0) finish(0);
    }
}

/// Acts on what is due; returns when the next thing is.
Milliseconds keep_deadlines()
{
    const Milliseconds at = now();
    if (engine == 0 && at >= start_at && (life < 0 || at >= start_at + setup_limit)) start_engine();
    if (at >= beat_limit) {
        // Somewhat late it is the engine that hangs; very late, the whole host did.
        const bool engine_hung = at - beat_limit <= heartbeat_limit / 4;
        beat_limit = at + heartbeat_limit;
        if (engine_hung) say("engine %d has not turned for too long, killing it", engine);
        if (engine_hung) kill(engine, SIGKILL);
    }
    if (at >= watchdog_at) {
        notify("WATCHDOG=1");
        watchdog_at = at + watchdog_interval;
    }
    const Milliseconds next = std::min(beat_limit, watchdog_at);
    if (engine != 0) return next;
    return std::min(next, life < 0 || at < start_at ? start_at : start_at + setup_limit);
}

[[noreturn]] void run()
{
    for (;;) {
        const Milliseconds due = keep_deadlines();
        tell_engine();
        pollfd watched[] = {{signals, POLLIN, 0}, {channel, POLLIN, 0}, {life, 0, 0}};
        if (channel_full) watched[1].events |= POLLOUT;
        const Milliseconds wait =
            std::min<Milliseconds>(std::max<Milliseconds>(due - now(), 0), INT_MAX);
        if (poll(watched, 3, due == never ? -1 : static_cast<int>(wait)) <= 0) continue;
        if (watched[0].revents != 0) read_signals();
        if (watched[1].revents != 0) read_records();
        if (watched[0].revents != 0) reap();
        if (watched[2].revents == 0) continue;
        read_records(); // the last hello of that life
        close(life);
        life = -1;
    }
}

} // namespace
} // namespace keel::keeper

int main(int argc, char** argv)
{
    using namespace keel::keeper;
    prepare(settings, argc, argv);
    watchdog_interval = take_notify_socket();
    if (watchdog_interval > 0) watchdog_at = now();
    sigset_t mask;
    sigfillset(&mask);
    sigprocmask(SIG_SETMASK, &mask, nullptr);
    sigemptyset(&mask);
    const int served[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR2};
    for (const int number : served)
        sigaddset(&mask, number);
    signals = lift(signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) die("socketpair");
    channel = lift(pair[0]);
    engine_end = lift(pair[1]);
    run();
}
