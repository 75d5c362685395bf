#include "keeper/start.hpp"

#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace keel::keeper {

namespace {

constexpr char usage[] =
    "usage: keeld [--root DIR] [--http ADDR:PORT|off] [--log-level L] [--version]\n"
    "KEEL_ROOT in the environment stands in for --root.\n";

void put_line(const char* format, va_list arguments)
{
    char line[1024] = "keeld: ";
    vsnprintf(line + 7, sizeof line - 8, format, arguments);
    const std::size_t length = strlen(line);
    line[length] = '\n';
    pollfd out{STDERR_FILENO, POLLOUT, 0};
    if (poll(&out, 1, 0) == 1 && write(STDERR_FILENO, line, length + 1) < 0) return;
}

/// Formats into `out`, which is PATH_MAX long; a path that does not fit ends the program.
[[gnu::format(printf, 2, 3)]] void path_to(char* out, const char* format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(out, PATH_MAX, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= PATH_MAX) die("path too long: %s", out);
}

void make_directories(char* path)
{
    for (char* at = path + 1;; ++at) {
        if (*at != '/' && *at != 0) continue;
        const char saved = *at;
        *at = 0;
        if (mkdir(path, 0755) != 0 && errno != EEXIST) die("mkdir %s: %s", path, strerror(errno));
        *at = saved;
        if (saved == 0) return;
    }
}

void parse_command_line(Settings& settings, int argc, char** argv)
{
    const char* root = getenv("KEEL_ROOT");
    for (int i = 1; i < argc; ++i) {
        if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "--help") == 0) {
            printf("%s", argv[i][2] == 'v' ? "keeld " KEEL_VERSION "\n" : usage);
            exit(0);
        }
        const char** target = nullptr;
        if (strcmp(argv[i], "--root") == 0) target = &root;
        if (strcmp(argv[i], "--http") == 0) target = &settings.http;
        if (strcmp(argv[i], "--log-level") == 0) target = &settings.level;
        if (target == nullptr || i + 1 == argc) {
            const char* wrong = target != nullptr ? "a value is missing after" : "not understood:";
            fprintf(stderr, "keeld: %s %s\n%s", wrong, argv[i], usage);
            exit(2);
        }
        *target = argv[++i];
    }
    if (root == nullptr || *root == 0) return;
    char given[PATH_MAX];
    path_to(given, "%s", root);
    make_directories(given);
    if (realpath(given, settings.root) == nullptr) die("%s: %s", given, strerror(errno));
    if (strcmp(settings.root, "/") == 0) settings.root[0] = 0;
}

void find_places(Settings& settings)
{
    const char* runtime = getenv("XDG_RUNTIME_DIR");
    if (settings.root[0] != 0 || geteuid() == 0)
        path_to(settings.run_dir, "%s/run/keel", settings.root);
    else if (runtime != nullptr && runtime[0] == '/')
        path_to(settings.run_dir, "%s/keel", runtime);
    else
        die("XDG_RUNTIME_DIR is not set: name a place with --root DIR");
    make_directories(settings.run_dir);

    char self[PATH_MAX] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) die("/proc: %s", strerror(errno));
    *strrchr(self, '/') = 0;
    path_to(settings.engine, "%s/keel-engine", self);
    if (access(settings.engine, X_OK) != 0)
        path_to(settings.engine, "%s/../libexec/keel/keel-engine", self);
    if (access(settings.engine, X_OK) != 0)
        die("no keel-engine in %s nor in %s/../libexec/keel", self, self);
}

/// Two locks on one file, which know nothing of each other. The record lock is the keeper's alone
/// and tells a second keeper who has it. The flock is shared with each engine, by descriptor: it
/// is free only when the engine of a keeper that died is gone too.
void take_lock(Settings& settings)
{
    char path[PATH_MAX];
    path_to(path, "%s/keeld.lock", settings.run_dir);
    settings.lock = lift(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (settings.lock < 0) die("open %s: %s", path, strerror(errno));
    struct flock whole = {};
    whole.l_type = F_WRLCK;
    if (fcntl(settings.lock, F_SETLK, &whole) != 0) {
        fcntl(settings.lock, F_GETLK, &whole);
        die("another keeld runs on %s (pid %d)", settings.run_dir, whole.l_pid);
    }
    for (int tries = 0; flock(settings.lock, LOCK_EX | LOCK_NB) != 0; ++tries) {
        if (tries == 0) say("waiting for the engine of an earlier keeld to end");
        if (tries == 2000) die("the engine of an earlier keeld does not end");
        poll(nullptr, 0, 10);
    }
    path_to(path, "%s/keeld.pid", settings.run_dir);
    settings.after_crash = access(path, F_OK) == 0;
}

} // namespace

void say(const char* format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_line(format, arguments);
    va_end(arguments);
}

void die(const char* format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_line(format, arguments);
    va_end(arguments);
    exit(1);
}

int lift(int fd)
{
    if (fd < 0) return fd;
    const int lifted = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    if (lifted < 0) die("descriptors: %s", strerror(errno));
    close(fd);
    return lifted;
}

void prepare(Settings& settings, int argc, char** argv)
{
    for (int fd = 0; fd <= STDERR_FILENO; ++fd)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) exit(1);
    parse_command_line(settings, argc, argv);
    find_places(settings);
    take_lock(settings);
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) die("subreaper: %s", strerror(errno));
    write_pid(settings, "keeld.pid", getpid());
}

void write_pid(const Settings& settings, const char* name, int pid)
{
    char path[PATH_MAX], text[16];
    path_to(path, "%s/%s", settings.run_dir, name);
    if (pid == 0) {
        unlink(path);
        return;
    }
    const int length = snprintf(text, sizeof text, "%d\n", pid);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text, static_cast<std::size_t>(length)) != length)
        say("write %s: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
}

namespace {
sockaddr_un notify_address{};
socklen_t notify_length = 0;
int notify_socket = -1;
} // namespace

long long take_notify_socket()
{
    const char* path = getenv("NOTIFY_SOCKET");
    const char* interval = getenv("WATCHDOG_USEC");
    const char* whose = getenv("WATCHDOG_PID");
    if (path == nullptr || (*path != '/' && *path != '@')) return 0;
    const std::size_t length = strnlen(path, sizeof notify_address.sun_path);
    memcpy(notify_address.sun_path, path, length);
    if (*path == '@') notify_address.sun_path[0] = 0;
    notify_address.sun_family = AF_UNIX;
    notify_length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    notify_socket = lift(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const bool ours = interval != nullptr && (whose == nullptr || atoi(whose) == getpid());
    const long long half = ours ? atoll(interval) / 1000 / 2 : 0;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return half;
}

void notify(const char* text)
{
    if (notify_socket < 0) return;
    const auto* address = reinterpret_cast<const sockaddr*>(&notify_address);
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    if (sendto(notify_socket, text, strlen(text), flags, address, notify_length) < 0)
        say("notify socket: %s", strerror(errno));
}

} // namespace keel::keeper
