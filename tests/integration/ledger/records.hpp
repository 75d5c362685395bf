// Outages for the ledger's tests, a clock that only a test moves, and files to look into.
#pragma once
#include "ledger/ledger.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>

namespace keel::ledger {

using namespace std::chrono_literals;

/// 2025-01-31T09:15:02.482Z
inline WallTime morning(Duration later = Duration{0})
{
    return WallTime(std::chrono::milliseconds(1738314902482)) + later;
}

inline Now both(Duration later) { return {MonoTime(1000s + later), morning(later)}; }

inline Stamped outage(std::uint64_t id, Duration opened = 0s)
{
    Stamped stamped;
    core::Outage& o = stamped.record;
    o.id = OutageId{id};
    o.unit = "worker";
    o.opened = both(opened);
    o.cause = core::OutageCause::signal;
    o.cause_text = "SIGKILL";
    o.detected_by = "exit";
    o.detection = 3ms;
    return stamped;
}

inline Stamped ended(std::uint64_t id, Duration opened, Duration length)
{
    Stamped stamped = outage(id, opened);
    stamped.record.closed = both(opened + length);
    return stamped;
}

inline std::string bytes_of(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void overwrite(const std::string& path, const std::string& bytes)
{
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class LedgerFixture : public ::testing::Test {
protected:
    LedgerFile::Options options()
    {
        LedgerFile::Options options;
        options.path = path_;
        options.boot = boot_;
        options.keep = 24h * 400;
        options.now = [this] { return now_; };
        options.on_last_life = [this](const auto& life) { last_life_ = life; };
        return options;
    }
    void passes(Duration time)
    {
        now_.wall += time;
        now_.boottime += time;
    }
    void boots()
    {
        boot_ += "+";
        now_.boottime = 10s;
    }
    /// A life as it begins after a start.
    static void begin(LedgerFile& file, ports::Beginning beginning = {})
    {
        Batch batch;
        batch.beginning = std::move(beginning);
        const auto trouble = file.write(batch);
        ASSERT_FALSE(trouble.has_value()) << *trouble;
    }
    /// Writes these.
    static void write(LedgerFile& file, const std::vector<Stamped>& outages)
    {
        Batch batch;
        for (const Stamped& each : outages)
            batch.outages.insert_or_assign(each.record.id, each);
        const auto trouble = file.write(batch);
        ASSERT_FALSE(trouble.has_value()) << *trouble;
    }
    std::vector<core::OutageView> read(ports::OutageQuery query = {})
    {
        Database database(path_, Database::Mode::read_only, 1s);
        return read_outages(database, query, now_.wall);
    }
    std::vector<std::uint64_t> ids(ports::OutageQuery query = {})
    {
        std::vector<std::uint64_t> found;
        for (const core::OutageView& view : read(query))
            found.push_back(number(view.record.id));
        return found;
    }
    /// Files that were set aside, without what belongs to them.
    std::vector<std::string> asides()
    {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
            const std::string name = entry.path().string();
            if (name.find(".damaged-") != std::string::npos && name.ends_with('Z'))
                found.push_back(name);
        }
        return found;
    }

    test::TempDir dir_;
    std::string path_ = (dir_ / "ledger.db").string();
    std::string boot_ = "one";
    Moment now_{morning(1h), 1000s + 1h};
    std::optional<ports::LastLife> last_life_; ///< as the latest file that was opened told
};

} // namespace keel::ledger
