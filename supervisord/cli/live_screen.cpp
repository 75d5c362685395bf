#include "cli/live_screen.hpp"

#include "cli/table.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <poll.h>
#include <span>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace keel::cli {
namespace {

// The alternate screen; no cursor; no wrapping, so that a line of unexpected width spoils itself
// only. Both ways also end whatever sequence was cut off before them.
constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l\x1b[?7l";
constexpr std::string_view leave = "\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
constexpr std::string_view update_begin = "\x1b[?2026h";
constexpr std::string_view update_end = "\x1b[?2026l";

constexpr std::array endings = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
constexpr std::array looked_at_while_waiting = {SIGWINCH, SIGTSTP};

// What the signal handlers need to know. A handler can be told nothing else.
volatile std::sig_atomic_t drawn_anew = 0; ///< the window has changed, or was somebody else's
bool has_keyboard = false;
termios usual_keyboard{};

void write_all(std::string_view text)
{
    while (!text.empty()) {
        const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

/// Keys come one by one and are not shown; those that send signals still do.
void take_terminal()
{
    if (has_keyboard) {
        termios silent = usual_keyboard;
        silent.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        ::tcsetattr(STDIN_FILENO, TCSADRAIN, &silent);
    }
    write_all(enter);
}

void give_terminal_back()
{
    write_all(leave);
    if (has_keyboard) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &usual_keyboard);
}

void set_handler(int signal, void (*handler)(int))
{
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(signal, &action, nullptr);
}

sigset_t set_of(std::span<const int> signals)
{
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals)
        sigaddset(&set, signal);
    return set;
}

/// What the signal does without a handler, now.
void suffer(int signal)
{
    set_handler(signal, SIG_DFL);
    const sigset_t set = set_of({&signal, 1});
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
    ::raise(signal);
}

void on_ending(int signal)
{
    give_terminal_back();
    suffer(signal);
}

void on_stop(int signal)
{
    const int saved = errno;
    give_terminal_back();
    suffer(signal);
    // Continued.
    const sigset_t set = set_of({&signal, 1});
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    set_handler(signal, on_stop);
    take_terminal();
    drawn_anew = 1;
    errno = saved;
}

void on_window(int) { drawn_anew = 1; }

} // namespace

std::string frame_of(const std::vector<std::string>& lines, WindowSize window)
{
    std::string frame = std::string(update_begin) + "\x1b[H";
    const std::size_t count = std::min(lines.size(), window.rows);
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) frame += "\r\n";
        const std::string line = cut(lines[i], window.columns);
        frame += line;
        // Behind a full line the cursor stands on its last character, which would be erased.
        if (width_of(line) < window.columns) frame += "\x1b[K";
    }
    // Below the last line only: on the last row of the window there is nothing to erase.
    if (count < window.rows) frame += (count > 0 ? "\r\n" : "") + std::string("\x1b[J");
    return frame.append(update_end);
}

LiveScreen::LiveScreen()
{
    has_keyboard =
        ::tcgetpgrp(STDIN_FILENO) == ::getpgrp() && ::tcgetattr(STDIN_FILENO, &usual_keyboard) == 0;
    const sigset_t set = set_of(looked_at_while_waiting);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    for (const int signal : endings)
        set_handler(signal, on_ending);
    set_handler(SIGTSTP, on_stop);
    set_handler(SIGWINCH, on_window);
    take_terminal();
}

LiveScreen::~LiveScreen()
{
    for (const int signal : endings)
        set_handler(signal, SIG_DFL);
    for (const int signal : looked_at_while_waiting)
        set_handler(signal, SIG_DFL);
    give_terminal_back();
    const sigset_t set = set_of(looked_at_while_waiting);
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

WindowSize LiveScreen::window() const
{
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        return {};
    return {size.ws_row, size.ws_col};
}

bool LiveScreen::show(const std::vector<std::string>& lines)
{
    std::string frame = frame_of(lines, window());
    if (frame == shown_) return true;
    shown_ = std::move(frame);
    write_all(shown_);
    return ::isatty(STDOUT_FILENO) != 0;
}

LiveScreen::Woken LiveScreen::wait(std::optional<int> fd, Duration patience)
{
    const auto nanoseconds = std::max(patience, Duration{0}).count();
    const timespec timeout{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
    // A negative descriptor is passed over.
    std::array<pollfd, 2> fds{
        {{fd.value_or(-1), POLLIN, 0}, {has_keyboard ? STDIN_FILENO : -1, POLLIN, 0}}};
    sigset_t open;
    ::sigprocmask(SIG_SETMASK, nullptr, &open);
    for (const int signal : looked_at_while_waiting)
        sigdelset(&open, signal);
    ::ppoll(fds.data(), fds.size(), &timeout, &open);
    if (drawn_anew != 0) {
        drawn_anew = 0;
        shown_.clear();
        return Woken::by_window;
    }
    if (fds[1].revents != 0) {
        char key = 0;
        if (::read(STDIN_FILENO, &key, 1) != 1 || key == 'q') return Woken::by_quit;
    }
    return fds[0].revents != 0 ? Woken::by_descriptor : Woken::by_time;
}

} // namespace keel::cli
