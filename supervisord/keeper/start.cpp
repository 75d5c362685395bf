#include "keeper/start.hpp"

#include "keeper/wire.hpp"

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <initializer_list>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace keel::keeper {
namespace {

int notify_socket = -1;

/// A variable's number, or 0.
long long number_in(const char* variable)
{
    const char* text = getenv(variable);
    char* end = nullptr;
    const long long number = text == nullptr ? 0 : strtoll(text, &end, 10);
    return number > 0 && *end == 0 ? number : 0;
}

} // namespace

void prepare()
{
    // Nothing that is opened from here on is taken for a standard stream, or has the number at
    // which the engine finds its channel.
    for (int fd = 0; fd <= wire::engine_fd; ++fd)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) exit(1);
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) die("subreaper");
}

const char* find_engine()
{
    static char path[PATH_MAX];
    if (readlink("/proc/self/exe", path, sizeof path - 1) < 0) die("/proc/self/exe");
    char* name = strrchr(path, '/') + 1;
    const auto room = static_cast<std::size_t>(path + sizeof path - name);
    for (const char* place : {"../libexec/keel/keel-engine", "keel-engine"}) {
        snprintf(name, room, "%s", place);
        if (access(path, X_OK) == 0) return path;
    }
    die(path);
}

void say(const char* format, ...)
{
    char line[1024] = "keeld: ";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + 7, sizeof line - 8, format, arguments);
    va_end(arguments);
    const std::size_t length = strlen(line);
    line[length] = '\n';
    pollfd out{STDERR_FILENO, POLLOUT, 0};
    if (poll(&out, 1, 0) == 1 && write(STDERR_FILENO, line, length + 1) < 0) return;
}

void die(const char* what)
{
    say("%s: %s", what, strerror(errno));
    exit(1);
}

/// Neither engine nor units are to speak in the keeper's name, so nothing of this stays in the
/// environment.
long long connect_to_systemd()
{
    const char* path = getenv("NOTIFY_SOCKET");
    if (path == nullptr || (*path != '/' && *path != '@')) return 0;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = strnlen(path, sizeof address.sun_path);
    memcpy(address.sun_path, path, length);
    if (*path == '@') address.sun_path[0] = 0;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    notify_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (connect(notify_socket, reinterpret_cast<sockaddr*>(&address), size) != 0)
        say("%s: %s", path, strerror(errno));
    const long long whose = number_in("WATCHDOG_PID");
    const long long interval = whose == 0 || whose == getpid() ? number_in("WATCHDOG_USEC") : 0;
    for (const char* variable : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
        unsetenv(variable);
    return interval / 1000 / 2;
}

void notify(const char* text)
{
    if (notify_socket < 0) return;
    if (send(notify_socket, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        say("notify socket: %s", strerror(errno));
}

} // namespace keel::keeper
