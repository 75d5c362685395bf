// What the keeper does once, before anything runs: command line, places, lock; and its few
// words to people and to systemd.
#pragma once
#include <climits>

namespace keel::keeper {

struct Settings {
    char root[PATH_MAX] = "";    ///< absolute, or empty: the system's own places
    const char* http = nullptr;  ///< for the engine, unread
    const char* level = nullptr; ///< for the engine, unread
    char run_dir[PATH_MAX] = "";
    char engine[PATH_MAX] = "";
    int lock = -1;            ///< the engine's share of the lock, see take_lock
    bool after_crash = false; ///< the keeper before this one did not end in an orderly way
};

/// All of it, in order; leaves the program with a message if it cannot.
void prepare(Settings& settings, int argc, char** argv);

/// `RUN_DIR/NAME` holds the pid, or is gone for pid 0.
void write_pid(const Settings& settings, const char* name, int pid);

/// One line on stderr; dropped rather than waited for when nobody reads.
[[gnu::format(printf, 1, 2)]] void say(const char* format, ...);
[[noreturn, gnu::format(printf, 1, 2)]] void die(const char* format, ...);

/// The descriptor moved out of the way of those that the engine finds at fixed numbers.
int lift(int fd);

/// sd_notify(3) by hand; does nothing outside of systemd. Taking the socket removes it from the
/// environment, so that neither engine nor units can speak in the keeper's name, and gives the
/// interval at which systemd's watchdog is to be fed, in ms (0: it is not).
long long take_notify_socket();
void notify(const char* text);

} // namespace keel::keeper
