// Where and how keeld keeps what outlives it: the options of those files, for the wiring.
#pragma once
#include "ledger/ledger_file.hpp"
#include "sys/paths.hpp"
#include "sys/state_journal.hpp"
#include "units/daemon_spec.hpp"

#include <filesystem>
#include <string>

namespace keel {

/// A journal that is begun anew with each boot.
sys::FileStateJournal::Options kept_within_boot(const std::filesystem::path& path);

/// A journal that goes on whatever the boot is called; `what`: what is lost where it is not.
sys::FileStateJournal::Options kept_over_boots(const std::filesystem::path& path, std::string what);

ledger::LedgerFile::Options ledger_options(const sys::Paths& paths, const units::LedgerSpec& spec);

} // namespace keel
