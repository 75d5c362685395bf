#include "sys/paths.hpp"

#include <cstdlib>
#include <unistd.h>

namespace keel::sys {
namespace {

namespace fs = std::filesystem;

constexpr const char* journal_below_root = "run/systemd/journal/stdout";

Paths laid_out(const fs::path& etc, const fs::path& vendor, const fs::path& run,
               const fs::path& lib, const fs::path& log, const fs::path& journal_socket)
{
    return {.etc = etc,
            .daemon_file = etc / "keel.toml",
            .units_dir = etc / "units",
            .vendor_units_dir = vendor,
            .run = run,
            .control_socket = run / "control.sock",
            .state_journal = run / "state.journal",
            .fifo_dir = run / "fifo",
            .notify_dir = run / "notify",
            .ready_dir = run / "ready",
            .lib = lib,
            .hold_journal = lib / "hold.journal",
            .totals_journal = lib / "totals.journal",
            .release_journal = lib / "releases.journal",
            .deploy_dir = run / "deploy",
            .ledger = lib / "ledger.db",
            .log = log,
            .journal_socket = journal_socket};
}

Paths under(const fs::path& root)
{
    return laid_out(root / "etc/keel", root / "usr/lib/keel/units", root / "run/keel",
                    root / "var/lib/keel", root / "var/log/keel", root / journal_below_root);
}

/// A set and absolute variable, as the XDG specification wants it; else the fallback under HOME.
std::optional<fs::path> xdg(const PathsFrom& from, const char* variable, const char* below_home)
{
    if (const auto value = from.environment(variable); value && value->starts_with('/'))
        return fs::path(*value);
    const auto home = from.environment("HOME");
    if (below_home == nullptr || !home || !home->starts_with('/')) return std::nullopt;
    return fs::path(*home) / below_home;
}

Result<Paths> of_user(const PathsFrom& from)
{
    const auto config = xdg(from, "XDG_CONFIG_HOME", ".config");
    const auto state = xdg(from, "XDG_STATE_HOME", ".local/state");
    const auto runtime = xdg(from, "XDG_RUNTIME_DIR", nullptr);
    if (!config || !state) return Error{"find a place for configuration and state", "HOME", ENOENT};
    // There is no safe fallback: the place must be this user's alone and vanish with the boot.
    if (!runtime) return Error{"find a place for run-time state", "XDG_RUNTIME_DIR", ENOENT};
    const fs::path own = *state / "keel";
    // A package's units for root's daemon must not be started once more for every user.
    return laid_out(*config / "keel", "/usr/lib/keel/user-units", *runtime / "keel", own,
                    own / "log", fs::path("/") / journal_below_root);
}

} // namespace

Result<Paths> paths_from(const PathsFrom& from)
{
    auto root = from.root ? from.root : from.environment("KEEL_ROOT");
    if (root && !root->empty()) {
        std::error_code failed;
        fs::path absolute = fs::absolute(*root, failed);
        if (failed) return Error{"find the root directory", *root, failed.value()};
        return under(absolute.lexically_normal());
    }
    if (from.uid != 0) return of_user(from);
    return under("/");
}

Result<Paths> paths_of_process(const std::optional<std::string>& root)
{
    const auto environment = [](const char* variable) -> std::optional<std::string> {
        const char* value = std::getenv(variable); // NOLINT(concurrency-mt-unsafe): before threads
        if (value == nullptr) return std::nullopt;
        return value;
    };
    return paths_from({root, environment, ::geteuid()});
}

std::filesystem::path beside_this_program(const std::string& program)
{
    std::error_code failed;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
    return failed ? std::filesystem::path(program) : self.parent_path() / program;
}

} // namespace keel::sys
