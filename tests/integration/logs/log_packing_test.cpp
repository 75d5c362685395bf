// Logs with `compress = "zstd"`: what is packed is read like what is not.
#include "sys/log_packing.hpp"

#include "sys/log_reader.hpp"
#include "tests/support/log_fixture.hpp"
#include "tests/support/loop_fixture.hpp"

#include <algorithm>
#include <gmock/gmock.h>

namespace keel::sys {
namespace {

using ports::LogPosition;
using test::LogPlace;
using test::read_file;
using test::run_until;
using test::write_all;

std::string unpacked(const std::filesystem::path& path)
{
    std::string all;
    auto reader = PackedReader::open(path);
    if (!reader) return all;
    std::string bytes(1000, '\0');
    while (const std::size_t got = reader->read(bytes))
        all.append(bytes, 0, got);
    return all;
}

std::string numbers(int first, int last)
{
    std::string lines;
    for (int i = first; i <= last; ++i)
        lines += std::to_string(i) + "\n";
    return lines;
}

class LogPacking : public testing::Test {
protected:
    LogPacking() { std::filesystem::create_directories(names.folder()); }
    void have(const std::filesystem::path& path, const std::string& content) const
    {
        std::ofstream(path, std::ios::binary | std::ios::app) << content;
    }
    void have_packed(std::uint64_t sequence, const std::string& content)
    {
        have(names.rotated(sequence), content);
        ASSERT_TRUE(pack_file(names.rotated(sequence), names.packed(sequence), stop).ok());
    }
    std::string followed(LogPosition from, std::size_t bytes)
    {
        std::string heard;
        const auto following =
            reader.follow("worker", 1, from, [&](std::string_view some) { heard += some; });
        EXPECT_TRUE(following.ok());
        EXPECT_TRUE(run_until(loop, [&] { return heard.size() >= bytes; }));
        return heard;
    }

    LogPlace place;
    LogNames names = place.names("worker");
    UvLoop loop;
    LogReader reader{loop, place.log()};
    std::atomic<bool> stop = false;
};

TEST_F(LogPacking, KeepsContentTimeAndIdentity)
{
    const std::string content = numbers(1, 100'000);
    have(names.rotated(3), content);
    const auto identity = rotated_identity(names, 3);
    const auto time = names.rotated_at(3);
    ASSERT_TRUE(pack_file(names.rotated(3), names.packed(3), stop).ok());
    EXPECT_FALSE(std::filesystem::exists(names.rotated(3)));
    EXPECT_LT(std::filesystem::file_size(names.packed(3)), content.size() / 2);
    EXPECT_TRUE(content == unpacked(names.packed(3)));
    EXPECT_EQ(identity, rotated_identity(names, 3));
    EXPECT_EQ(time, names.rotated_at(3));
    EXPECT_THAT(names.list_rotated(), testing::ElementsAre(3));
}

TEST_F(LogPacking, LeavesTheFileAsItIsWhenItIsBrokenOff)
{
    have(names.rotated(3), "line\n");
    stop = true;
    const auto done = pack_file(names.rotated(3), names.packed(3), stop);
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(ECANCELED, done.error().errno_value);
    EXPECT_EQ("line\n", read_file(names.rotated(3)));
    EXPECT_EQ(1, std::distance(std::filesystem::directory_iterator(names.folder()), {}));
}

TEST_F(LogPacking, IsReadFromBehindAcrossPackedAndPlainFiles)
{
    have_packed(1, numbers(1, 30'000));
    have_packed(2, numbers(30'001, 60'000));
    have(names.rotated(3), numbers(60'001, 60'002));
    have(names.current(), numbers(60'003, 60'003));
    EXPECT_EQ(numbers(60'000, 60'003), reader.tail("worker", 1, 4, {})->text);
    EXPECT_TRUE(numbers(29'999, 60'003) == reader.tail("worker", 1, 30'005, {})->text);
    EXPECT_TRUE(numbers(1, 60'003) == reader.tail("worker", 1, 100'000, {})->text);
}

TEST_F(LogPacking, NeverReadsMoreThanTheReadersLimit)
{
    have_packed(1, numbers(1, 1'000'000));
    have_packed(2, numbers(1'000'001, 2'000'000));
    have(names.current(), "last\n");
    const std::string found = reader.tail("worker", 1, 3'000'000, {})->text;
    EXPECT_LE(found.size(), ports::LogReader::tail_bytes_max);
    EXPECT_GT(found.size(), ports::LogReader::tail_bytes_max / 2);
    EXPECT_TRUE(found.ends_with("2000000\nlast\n"));
    EXPECT_TRUE((numbers(1, 2'000'000) + "last\n").ends_with("\n" + found));
}

TEST_F(LogPacking, IsFollowedFromAPlaceInAFileThatWasPackedSince)
{
    have_packed(1, "long ago\n");
    have(names.current(), numbers(1, 50'000));
    const LogPosition end = reader.tail("worker", 1, 1, {})->end;
    have(names.current(), numbers(50'001, 90'000));
    std::filesystem::rename(names.current(), names.rotated(2));
    have_packed(2, "");
    have_packed(3, numbers(90'001, 95'000));
    have(names.current(), numbers(95'001, 95'002));
    const std::string expected = numbers(50'001, 95'002);
    EXPECT_TRUE(expected == followed(end, expected.size()));
}

TEST_F(LogPacking, IsFollowedFromTheOldestFile)
{
    have_packed(1, numbers(1, 20'000));
    have(names.rotated(2), numbers(20'001, 20'002));
    have(names.current(), numbers(20'003, 20'003));
    const std::string expected = numbers(1, 20'003);
    EXPECT_TRUE(expected == followed({}, expected.size()));
}

TEST_F(LogPacking, GivesWhatIsWholeOfADamagedFile)
{
    have_packed(1, numbers(1, 200'000));
    const auto size = std::filesystem::file_size(names.packed(1));
    std::filesystem::resize_file(names.packed(1), size / 2);
    const std::string half = unpacked(names.packed(1));
    EXPECT_GT(half.size(), 0U);
    EXPECT_TRUE(numbers(1, 200'000).starts_with(half));
    have(names.packed(2), "no zstd at all");
    EXPECT_EQ("", unpacked(names.packed(2)));
    EXPECT_EQ(0U, rotated_identity(names, 2));
    have(names.current(), "still read\n");
    EXPECT_TRUE(reader.tail("worker", 1, 1'000'000, {})->text.ends_with("still read\n"));
}

TEST_F(LogPacking, HappensToFilesThatAreRotatedAndToThoseThatWereBefore)
{
    have(names.rotated(1), "from another time\n");
    have(names.packed(1).native() + ".partial", "cut short by a crash");
    LogSink sink(loop, place.options());
    units::LogSpec spec;
    spec.compress = units::LogCompression::zstd;
    spec.max_size = 20'000;
    spec.keep = 1000;
    const auto fd = sink.output_of("worker", 1, spec, std::nullopt);
    ASSERT_TRUE(fd.ok());
    write_all(*fd, numbers(1, 40'000));
    const auto drained = [&] {
        bool done = false;
        sink.when_drained("worker", 1, [&] { done = true; });
        return run_until(loop, [&] { return done; });
    };
    const auto all_packed = [&] {
        const auto rotated = names.list_rotated();
        return rotated.size() > 10 && std::ranges::none_of(rotated, [&](std::uint64_t sequence) {
                   return std::filesystem::exists(names.rotated(sequence));
               });
    };
    bool late = false;
    const auto stop_waiting = loop.after(std::chrono::seconds(30), [&late] { late = true; });
    while (!all_packed() && !late)
        ASSERT_TRUE(drained());
    ASSERT_FALSE(late);
    const std::string expected = "from another time\n" + numbers(1, 40'000);
    EXPECT_TRUE(expected == reader.tail("worker", 1, 1'000'000, {})->text);
    EXPECT_TRUE(expected == followed({}, expected.size()));
}

} // namespace
} // namespace keel::sys
