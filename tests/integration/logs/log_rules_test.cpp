// What [log] says of age and rate, and what becomes of FIFOs that nobody is configured for.
#include "sys/clock.hpp"
#include "sys/fifo.hpp"
#include "sys/log_sink.hpp"
#include "tests/support/log_fixture.hpp"
#include "tests/support/loop_fixture.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <regex>
#include <sys/stat.h>

namespace keel::sys {
namespace {

using namespace std::chrono_literals;
using test::LogPlace;
using test::read_file;
using test::run_until;
using test::write_all;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LogRules : public testing::Test {
protected:
    sys::LogSinkOptions options()
    {
        auto options = place.options();
        options.tell = [this](const std::string& unit, Slot slot, const std::string& text) {
            told.push_back(instance_name(unit, slot) + ": " + text);
        };
        return options;
    }
    testing::AssertionResult drained(LogSink& sink)
    {
        bool done = false;
        sink.when_drained("worker", 1, [&] { done = true; });
        return run_until(loop, [&] { return done; });
    }
    /// Lets the thread have turn after turn; the bound is met only by a defect.
    testing::AssertionResult eventually(LogSink& sink, const std::function<bool()>& reached)
    {
        bool late = false;
        const auto stop = loop.after(30s, [&late] { late = true; });
        while (!reached() && !late)
            if (auto turn = drained(sink); !turn) return turn;
        return reached() ? testing::AssertionSuccess()
                         : testing::AssertionFailure() << "not in 30 s";
    }
    std::string file() const { return read_file(names.current()); }

    LogPlace place;
    LogNames names = place.names("worker");
    UvLoop loop;
    std::vector<std::string> told;
};

// ---- age ---------------------------------------------------------------------------------------

class LogAge : public LogRules {
protected:
    LogAge()
    {
        rules.max_age = 1h;
        file.set_rules(rules);
        EXPECT_TRUE(fifo.ok());
    }
    void write(const std::string& text)
    {
        write_all(fifo->get(), text);
        EXPECT_TRUE(file.take_from(fifo->get(), peek, LogFile::piece_max).ok());
    }
    /// As if the last byte had been written that much later than now.
    void written_last(Duration later) const
    {
        const auto at =
            std::chrono::ceil<std::chrono::seconds>(read_clocks().wall.time_since_epoch() + later);
        const timespec times[2] = {{at.count(), 0}, {at.count(), 0}};
        ASSERT_EQ(0, ::utimensat(AT_FDCWD, names.current().c_str(), times, 0));
    }
    /// The clock this much later than now, at which the next look is due as it says.
    Duration look(Duration later) { return file.heed_age(read_clocks().wall + later); }

    units::LogSpec rules;
    std::filesystem::path path = place.log();
    Result<OwnedFd> fifo = (std::filesystem::create_directories(path), open_fifo(path / "fifo"));
    PipePeek peek;
    LogFile file{names, rules};
};

TEST_F(LogAge, PutsAQuietFileAsideAndDeletesItOnceItsLastLineIsTooOld)
{
    write("one\n");
    written_last(30min);
    EXPECT_GT(look(59min), 0s);
    EXPECT_THAT(names.list_rotated(), IsEmpty());
    EXPECT_LE(look(61min), 1h);
    EXPECT_THAT(names.list_rotated(), ElementsAre(1));
    (void)look(89min);
    EXPECT_THAT(names.list_rotated(), ElementsAre(1));
    (void)look(91min);
    EXPECT_THAT(names.list_rotated(), IsEmpty());
}

TEST_F(LogAge, LeavesAFileWhoseLineIsUnderWay)
{
    write("begun");
    (void)look(61min);
    EXPECT_THAT(names.list_rotated(), IsEmpty());
    write(" and ended\n");
    written_last(30min);
    (void)look(61min);
    EXPECT_EQ("begun and ended\n", read_file(names.rotated(1)));
}

TEST_F(LogAge, IsThatOfTheFirstByteNotOfAnEmptyFile)
{
    (void)look(61min); // makes the file
    EXPECT_TRUE(std::filesystem::exists(names.current()));
    EXPECT_THAT(names.list_rotated(), IsEmpty());
}

TEST_F(LogAge, MattersOnlyWhereTheUnitsFileSaysSo)
{
    rules.max_age = 0s;
    file.set_rules(rules);
    write("one\n");
    EXPECT_EQ(Duration::max(), look(87'600h));
    EXPECT_THAT(names.list_rotated(), IsEmpty());
}

TEST_F(LogRules, DeleteWhatIsTooOldAlsoOfAnInstanceThatWritesNothing)
{
    std::filesystem::create_directories(names.folder());
    for (const std::uint64_t sequence : {3U, 4U})
        std::ofstream(names.rotated(sequence)) << "line\n";
    const timespec old{::time(nullptr) - 3700, 0};
    const timespec times[2] = {old, old};
    ASSERT_EQ(0, ::utimensat(AT_FDCWD, names.rotated(3).c_str(), times, 0));
    LogSink sink(loop, options());
    units::LogSpec spec;
    spec.max_age = 1h;
    ASSERT_TRUE(sink.output_of("worker", 1, spec, std::nullopt).ok());
    ASSERT_TRUE(drained(sink)); // a turn of the thread, behind which it looks after ages
    ASSERT_TRUE(drained(sink));
    EXPECT_THAT(names.list_rotated(), ElementsAre(4));
}

// ---- rate --------------------------------------------------------------------------------------

/// How many bytes the log's own lines say are missing.
std::uint64_t gaps_told(const std::string& text)
{
    static const std::regex gap(R"(\[keel: ([0-9]+) bytes above the rate were dropped here\]\n)");
    std::uint64_t bytes = 0;
    for (auto found = std::sregex_iterator(text.begin(), text.end(), gap);
         found != std::sregex_iterator(); ++found)
        bytes += std::stoull((*found)[1]);
    return bytes;
}

TEST_F(LogRules, DropWhatComesAboveTheRateAndTellItWhereItIsMissing)
{
    LogSink sink(loop, options());
    units::LogSpec spec;
    spec.rate = 10'000;
    const auto fd = sink.output_of("worker", 1, spec, std::nullopt);
    ASSERT_TRUE(fd.ok());
    const std::string line = std::string(99, 'x') + "\n";
    for (int i = 0; i < 3000; ++i)
        write_all(*fd, line);
    ASSERT_TRUE(drained(sink));
    EXPECT_EQ(300'000U, sink.bytes("worker") + sink.dropped_bytes("worker"));
    EXPECT_GE(sink.bytes("worker"), 10'000U);
    ASSERT_TRUE(run_until(loop, [&] { return !told.empty(); }));
    EXPECT_THAT(told[0], HasSubstr("worker.1: it writes more than 10000B a second"));
    // The line comes by itself, with the second's end.
    ASSERT_TRUE(
        eventually(sink, [&] { return gaps_told(file()) == sink.dropped_bytes("worker"); }));
    std::istringstream text(file());
    for (std::string each; std::getline(text, each);)
        EXPECT_TRUE(each + "\n" == line || each.starts_with("[keel: ")) << each;
}

TEST_F(LogRules, TellAGapOnALineOfItsOwnWithItsTime)
{
    LogSink sink(loop, options());
    units::LogSpec spec;
    spec.rate = 4096;
    spec.format = units::LogFormat::timestamp;
    const auto fd = sink.output_of("worker", 1, spec, std::nullopt);
    ASSERT_TRUE(fd.ok());
    write_all(*fd, std::string(5000, 'x'));
    ASSERT_TRUE(eventually(sink, [&] { return gaps_told(file()) > 0; }));
    EXPECT_TRUE(std::regex_match(
        file(), std::regex("20[^ ]*Z x{4096}\n20[^ ]*Z \\[keel: 904 bytes [a-z ]*\\]\n")));
}

// ---- nobody's ----------------------------------------------------------------------------------

TEST_F(LogRules, ReadAFifoThatIsNobodysToItsEndAndRemoveIt)
{
    std::filesystem::create_directories(place.fifo());
    {
        const auto held = open_fifo(place.fifo() / "gone.2");
        ASSERT_TRUE(held.ok());
        write_all(held->get(), "last words\n");
        LogSink sink(loop, options());
        sink.take_over([](const std::string&, Slot) { return std::nullopt; });
    }
    EXPECT_EQ("last words\n", read_file(place.log() / "gone/2.log"));
    EXPECT_FALSE(std::filesystem::exists(place.fifo() / "gone.2"));
}

} // namespace
} // namespace keel::sys
