// ports::StateJournal in two files: on tmpfs at once, and on a disk by a thread of its own.
//
// Promises: whoever puts never waits for a disk; what was put is in the kernel's hands on return,
// so it outlives this process, and some seconds later on the disk, so it outlives the boot. Without
// an orderly end a boot may find the disk those seconds behind. It refuses to know what is kept.
//
// A file on the disk alone would do neither: written at once it stalls the loop for as long as the
// disk does, written later it loses with each death of the engine what came last.
#pragma once
#include "sys/late_journal.hpp"
#include "sys/state_journal.hpp"

namespace keel::sys {

class TwofoldJournal final : public ports::StateJournal {
public:
    /// `near`: of this boot, on tmpfs. `far`: on the disk, whatever the boot.
    TwofoldJournal(FileStateJournal::Options near, FileStateJournal::Options far);

    [[nodiscard]] const std::map<std::string, std::string>& recovered() const override
    {
        return recovered_;
    }
    /// The key is not empty.
    void put(std::string_view key, std::string_view record) override;
    void erase(std::string_view key) override;

    /// Waits for the disk.
    [[nodiscard]] LateJournal::Settle settler() const { return far_.settler(); }

private:
    FileStateJournal near_;
    LateJournal far_;
    std::map<std::string, std::string> recovered_;
};

} // namespace keel::sys
