#include "cli/context.hpp"

#include "cli/layout.hpp"

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::cli {
namespace {

std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

bool exists(const std::string& path)
{
    struct stat file {};
    return ::stat(path.c_str(), &file) == 0;
}

constexpr std::size_t width_min = 40;

std::optional<std::size_t> columns_of_environment()
{
    const std::string text = environment("COLUMNS");
    std::size_t columns = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), columns);
    if (text.empty() || failed != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return std::max(columns, width_min);
}

} // namespace

Exit exit_for(control::Trouble::Kind kind)
{
    using Kind = control::Trouble::Kind;
    switch (kind) {
    case Kind::unreachable: return Exit::unreachable;
    case Kind::not_allowed: return Exit::not_allowed;
    case Kind::timed_out: return Exit::timed_out;
    case Kind::no_such_unit: return Exit::usage;
    case Kind::conflict: return Exit::conflict;
    case Kind::refused:
    case Kind::garbled: return Exit::failed;
    }
    return Exit::failed;
}

namespace {

Screen screen_of(int fd)
{
    Screen screen;
    if (::isatty(fd) == 0) return screen;
    if (environment("NO_COLOR").empty() && environment("TERM") != "dumb")
        screen.colour = Colour::on;
    winsize size{};
    screen.width = columns_of_environment();
    if (!screen.width && ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        screen.width = std::max<std::size_t>(size.ws_col, width_min);
    if (!screen.width) screen.width = 80;
    return screen;
}

} // namespace

Screen screen_of_stdout() { return screen_of(STDOUT_FILENO); }

std::string control_socket_path(const std::string& root)
{
    std::string usual = root + "/run/keel/control.sock";
    if (!root.empty() || ::geteuid() == 0) return usual;
    const std::string own = environment("XDG_RUNTIME_DIR") + "/keel/control.sock";
    return exists(own) ? own : usual;
}

bool print(std::string_view text)
{
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    return std::fflush(stdout) == 0 && written;
}

void complain(std::string_view text, std::string_view hint)
{
    const std::size_t columns = columns_of(screen_of(STDERR_FILENO));
    std::string message = hanging("keel: ", text, columns);
    if (!hint.empty()) message += hanging("      ", hint, columns);
    (void)std::fwrite(message.data(), 1, message.size(), stderr);
}

Exit give_up(const control::Trouble& trouble)
{
    complain(trouble.text, trouble.hint);
    return exit_for(trouble.kind);
}

WallTime wall_now()
{
    return WallTime(
        std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

} // namespace keel::cli
