#include "history.hpp"

#include "engine/log.hpp"
#include "sys/clock.hpp"

#include <system_error>
#include <utility>

namespace keel {

sys::FileStateJournal::Options kept_within_boot(const std::filesystem::path& path)
{
    sys::FileStateJournal::Options options;
    options.path = path.string();
    if (const auto boot_id = sys::read_boot_id()) options.boot_id = *boot_id;
    options.on_failure = [](const Error& error) {
        log::write(log::Level::warn, "state is not kept: " + error.text());
    };
    return options;
}

sys::FileStateJournal::Options kept_over_boots(const std::filesystem::path& path, std::string what)
{
    sys::FileStateJournal::Options options;
    options.path = path.string();
    options.boot_id = "any";
    options.on_failure = [what = std::move(what)](const Error& error) {
        log::write(log::Level::warn, what + " will not outlive a boot: " + error.text());
    };
    std::error_code ignored; // The journal tells of it.
    std::filesystem::create_directories(path.parent_path(), ignored);
    return options;
}

ledger::LedgerFile::Options ledger_options(const sys::Paths& paths, const units::LedgerSpec& spec)
{
    ledger::LedgerFile::Options options;
    options.path = paths.ledger.string();
    if (const auto boot_id = sys::read_boot_id()) options.boot = *boot_id;
    options.keep = spec.keep;
    options.size_max = spec.max_size;
    options.suspended = sys::read_boottime() - sys::read_clocks().mono.time_since_epoch();
    options.now = [] { return ledger::Moment{sys::read_clocks().wall, sys::read_boottime()}; };
    return options;
}

} // namespace keel
