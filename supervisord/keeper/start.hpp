// What the keeper does once, before anything runs; and its few words to people and to systemd.
#pragma once

namespace keel::keeper {

// These leave the program if they cannot do what they are for.
void prepare();            ///< standard streams, limits, care for orphans
const char* find_engine(); ///< its program, beside this one or where packages put it

/// One line on stderr; dropped rather than waited for when nobody reads.
[[gnu::format(printf, 1, 2)]] void say(const char* format, ...);
/// Says what failed and why (errno), and leaves the program.
[[noreturn]] void die(const char* what);

/// sd_notify(3) by hand; notify() does nothing outside of systemd. Connecting gives the interval at
/// which systemd's watchdog is to be fed, in milliseconds (0: it is not).
long long connect_to_systemd();
void notify(const char* text);

} // namespace keel::keeper
