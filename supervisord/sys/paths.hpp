// Where everything lives: section 0 of the product contract as one value.
//
// Pure: it looks at nothing but its arguments and creates nothing. Root's places, a user's own
// places (XDG), and either of them under another root for tests, demos and containers.
#pragma once
#include "base/result.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace keel::sys {

struct Paths {
    std::filesystem::path etc;
    std::filesystem::path daemon_file;      ///< keel.toml
    std::filesystem::path units_dir;        ///< NAME.toml and NAME.toml.d/*.toml
    std::filesystem::path vendor_units_dir; ///< the same, shipped by packages
    std::filesystem::path run;              ///< gone after a boot; 0711
    std::filesystem::path control_socket;
    std::filesystem::path state_journal;
    std::filesystem::path fifo_dir;
    std::filesystem::path notify_dir; ///< one socket per spawn that is listened to, by its number
    std::filesystem::path ready_dir;  ///< the same of pipes by which readiness is shown
    std::filesystem::path lib;        ///< kept over boots: ledger, deployments
    std::filesystem::path hold_journal;
    std::filesystem::path totals_journal;
    std::filesystem::path release_journal;
    std::filesystem::path deploy_dir; ///< how far those at work are, by unit
    std::filesystem::path ledger;
    std::filesystem::path log;            ///< UNIT/INSTANCE.log
    std::filesystem::path journal_socket; ///< systemd's, for the output of processes
};

/// Who asks: what `--root` said, a way to read environment variables, the effective user.
struct PathsFrom {
    std::optional<std::string> root; ///< none: KEEL_ROOT, else the real root
    std::function<std::optional<std::string>(const char*)> environment;
    unsigned uid = 0;
};

/// Fails if a user without a root directory has neither HOME nor the XDG variable that is needed.
[[nodiscard]] Result<Paths> paths_from(const PathsFrom& from);

/// The same for this process.
[[nodiscard]] Result<Paths> paths_of_process(const std::optional<std::string>& root);

/// Another program of Keel's that has no place in PATH: they are in one folder.
[[nodiscard]] std::filesystem::path beside_this_program(const std::string& program);

} // namespace keel::sys
