// A journal in memory, which the next life of a channel finds as the last one left it.
#pragma once
#include "ports/state_journal.hpp"

namespace keel::notify {

class KeptRecords final : public ports::StateJournal {
public:
    [[nodiscard]] const std::map<std::string, std::string>& recovered() const override
    {
        return recovered_;
    }
    void reopen() { recovered_ = records; }
    void put(std::string_view key, std::string_view record) override
    {
        records.insert_or_assign(std::string(key), std::string(record));
    }
    void erase(std::string_view key) override { records.erase(std::string(key)); }

    std::map<std::string, std::string> records;

private:
    std::map<std::string, std::string> recovered_;
};

} // namespace keel::notify
