// Lines of several instances in one text, in the order of their times.
#include "control/log_merge.hpp"

#include <gmock/gmock.h>

namespace keel::control {
namespace {

using namespace std::chrono_literals;
using Unfinished = LogMerge::Unfinished;

const WallTime nine = *[] {
    const std::chrono::sys_days day = std::chrono::year(2025) / 1 / 31;
    return std::optional(WallTime(day.time_since_epoch() + 9h));
}();

std::string line(Duration after_nine, const std::string& text)
{
    return to_rfc3339(nine + after_nine) + " " + text + "\n";
}

struct File {
    std::string text;
    std::optional<WallTime> begun = {};
};

/// An instance's files, a few bytes at a time.
class FakeWalk final : public ports::LogWalk {
public:
    FakeWalk(std::vector<File> files, std::size_t piece) : files_(std::move(files)), piece_(piece)
    {}
    Piece next() override
    {
        for (; file_ < files_.size(); ++file_, at_ = 0) {
            const File& file = files_[file_];
            if (at_ == file.text.size()) continue;
            const bool begins = at_ == 0;
            const auto bytes = std::string_view(file.text).substr(at_, piece_);
            at_ += bytes.size();
            return {bytes, begins ? file.begun : std::nullopt};
        }
        return {};
    }
    [[nodiscard]] ports::LogPosition position() const override { return {file_, at_}; }

private:
    std::vector<File> files_;
    std::size_t piece_;
    std::size_t file_ = 0, at_ = 0;
};

LogMerge::Input instance(std::vector<File> files, std::string prefix = {}, std::size_t piece = 7)
{
    return {std::make_unique<FakeWalk>(std::move(files), piece), std::move(prefix)};
}

LogMerge merge_of(std::vector<LogMerge::Input>& inputs, std::optional<WallTime> since = {},
                  Unfinished unfinished = Unfinished::ended)
{
    return {std::move(inputs), since, unfinished};
}

std::string all_of(LogMerge& merge)
{
    std::string all;
    for (;;) {
        const auto text = merge.next();
        EXPECT_LT(text.text.size(), 4 * LogMerge::line_piece);
        all += text.text;
        if (text.is_last) return all;
    }
}

template <class... Inputs> std::string merged(std::optional<WallTime> since, Inputs&&... several)
{
    std::vector<LogMerge::Input> inputs;
    (inputs.push_back(std::forward<Inputs>(several)), ...);
    auto merge = merge_of(inputs, since);
    return all_of(merge);
}

TEST(TimeOfLine, IsWhatTheTimestampFormatWrites)
{
    EXPECT_EQ(time_of_line("2025-01-31T09:15:02.482Z text"), "2025-01-31T09:15:02.482Z");
    EXPECT_EQ(time_of_line("2025-01-31T09:15:02.482Z \n"), "2025-01-31T09:15:02.482Z");
    for (const char* other : {"", "\n", "2025-01-31T09:15:02.482Z", "2025-01-31T09:15:02.482Z\n",
                              "2025-01-31 09:15:02.482Z text", "2025-01-31T09:15:02Z text of it",
                              " 2025-01-31T09:15:02.482Z text", "x025-01-31T09:15:02.482Z text"})
        EXPECT_FALSE(time_of_line(other)) << other;
}

TEST(LogMerge, SortsLinesByTimeAcrossInstances)
{
    EXPECT_EQ(merged({}, instance({{line(1s, "a") + line(4s, "d")}}, "w.1 | "),
                     instance({{line(2s, "b")}, {line(3s, "c") + line(5s, "e")}}, "w.2 | ")),
              "w.1 | " + line(1s, "a") + "w.2 | " + line(2s, "b") + "w.2 | " + line(3s, "c") +
                  "w.1 | " + line(4s, "d") + "w.2 | " + line(5s, "e"));
}

TEST(LogMerge, KeepsTheOrderOfInstancesAtTheSameTime)
{
    EXPECT_EQ(merged({}, instance({{line(1s, "a") + line(1s, "b")}}, "1 "),
                     instance({{line(1s, "c")}}, "2 "), instance({{line(0s, "d")}}, "3 ")),
              "3 " + line(0s, "d") + "1 " + line(1s, "a") + "1 " + line(1s, "b") + "2 " +
                  line(1s, "c"));
}

TEST(LogMerge, NeverSortsWithinAnInstance)
{
    const std::string set_back = line(9s, "before") + line(2s, "after the clock was set back");
    EXPECT_EQ(merged({}, instance({{set_back}})), set_back);
}

TEST(LogMerge, LeavesOutLinesThatAreOlder)
{
    EXPECT_EQ(merged(nine + 2s, instance({{line(1999ms, "old") + line(2s, "b") + line(1s, "old")},
                                          {line(3s, "c")}})),
              line(2s, "b") + line(3s, "c"));
}

TEST(LogMerge, NeverLeavesOutALineWithoutATime)
{
    const std::string tail = "no time\n\n" + line(9s, "c");
    EXPECT_EQ(merged(nine + 5s, instance({{"first\n" + line(1s, "old") + tail}})),
              "first\n" + tail);
}

TEST(LogMerge, TakesLinesWithoutATimeToBeOfTheirFilesBeginning)
{
    EXPECT_EQ(merged(nine, instance({{"a\nb\n", nine + 1s}, {"e\n", nine + 9s}}, "1 "),
                     instance({{"c\n", nine + 2s}, {"d\n", nine + 3s}}, "2 ")),
              "1 a\n1 b\n2 c\n2 d\n1 e\n");
}

TEST(LogMerge, TellsFromWhenLinesWithoutATimeMayBe)
{
    const auto untimed = [](std::vector<LogMerge::Input> inputs) {
        return merge_of(inputs, nine).untimed();
    };
    std::vector<LogMerge::Input> inputs;
    inputs.push_back(instance({{line(1s, "a"), nine - 1h}}));
    inputs.push_back(instance({}));
    EXPECT_FALSE(untimed(std::move(inputs)));
    inputs.clear();
    inputs.push_back(instance({{line(1s, "a"), nine - 9h}}));
    inputs.push_back(instance({{"x\n", nine - 1h}, {"y\n", nine}}));
    inputs.push_back(instance({{"z\n", nine - 2h}}));
    EXPECT_EQ(untimed(std::move(inputs)).value().since, nine - 2h);
    inputs.clear();
    inputs.push_back(instance({{"x\n", std::nullopt}, {"y\n", nine}}));
    inputs.push_back(instance({{"z\n", nine - 2h}}));
    EXPECT_FALSE(untimed(std::move(inputs)).value().since);
}

TEST(LogMerge, PassesALineOf10MegabytesWholeAndWithoutHoldingIt)
{
    const std::string huge = line(2s, std::string(10U << 20, 'x'));
    EXPECT_TRUE(merged({}, instance({{line(1s, "a") + huge}}, "1 ", 60'000),
                       instance({{line(2s, "b") + line(3s, "c")}}, "2 ")) ==
                "1 " + line(1s, "a") + "1 " + huge + "2 " + line(2s, "b") + "2 " + line(3s, "c"));
}

TEST(LogMerge, LeavesOutALineOf10MegabytesThatIsOlder)
{
    const std::string huge = line(2s, std::string(10U << 20, 'x'));
    EXPECT_EQ(merged(nine + 3s, instance({{huge + line(4s, "b")}}, {}, 60'000)), line(4s, "b"));
}

TEST(LogMerge, GoesOnWithALineInTheNextFile)
{
    const std::string torn = line(1s, "begun and ended elsewhere");
    EXPECT_EQ(merged({}, instance({{torn.substr(0, 11), nine}, {torn.substr(11), nine + 5s}}, "1 "),
                     instance({{line(2s, "b")}}, "2 ")),
              "1 " + torn + "2 " + line(2s, "b"));
}

TEST(LogMerge, EndsATornLineWhereAnotherInstancesMayFollow)
{
    EXPECT_EQ(merged({}, instance({{line(1s, "a") + "2025-01"}}, "1 "),
                     instance({{line(2s, "b")}}, "2 ")),
              "1 " + line(1s, "a") + "1 2025-01\n2 " + line(2s, "b"));
    EXPECT_EQ(merged({}, instance({{"torn"}})), "torn");
}

TEST(LogMerge, KeepsAnUnfinishedLineForWhatFollows)
{
    std::vector<LogMerge::Input> inputs;
    inputs.push_back(instance({{line(1s, "a") + "beg"}}, "1 "));
    inputs.push_back(instance({{line(2s, "b")}}, "2 "));
    auto merge = merge_of(inputs, {}, Unfinished::kept);
    EXPECT_EQ(all_of(merge), "1 " + line(1s, "a") + "2 " + line(2s, "b"));
    EXPECT_EQ(merge.rest(0), "beg");
    EXPECT_EQ(merge.rest(1), "");
}

TEST(LogMerge, DoesNotLetALongUnfinishedLineRunIntoWhatFollows)
{
    std::vector<LogMerge::Input> inputs;
    inputs.push_back(instance({{std::string(LogMerge::line_piece, 'x')}}, "1 ", 60'000));
    auto merge = merge_of(inputs, {}, Unfinished::kept);
    EXPECT_TRUE(all_of(merge) == "1 " + std::string(LogMerge::line_piece, 'x') + "\n");
    EXPECT_EQ(merge.rest(0), "");
}

TEST(LogMerge, GivesTheThreadBackWhileItPassesOverOldLines)
{
    std::string old;
    while (old.size() < (6U << 20))
        old += line(1s, std::string(900, 'x'));
    std::vector<LogMerge::Input> inputs;
    inputs.push_back(instance({{old + line(9s, "new")}}, {}, 60'000));
    auto merge = merge_of(inputs, nine + 5s);
    const auto first = merge.next();
    EXPECT_EQ(first.text, "");
    EXPECT_FALSE(first.is_last);
    EXPECT_EQ(all_of(merge), line(9s, "new"));
}

TEST(LogMerge, MergesManyInstancesGroupByGroup)
{
    std::vector<LogMerge::Input> inputs;
    for (std::size_t i = 0; i < LogMerge::width + 1; ++i)
        inputs.push_back(instance({{line(1h - std::chrono::seconds(i), "x")}}));
    auto merge = merge_of(inputs);
    std::string expected;
    for (std::size_t i = LogMerge::width; i > 0; --i)
        expected += line(1h - std::chrono::seconds(i - 1), "x");
    EXPECT_EQ(all_of(merge), expected + line(1h - std::chrono::seconds(LogMerge::width), "x"));
}

TEST(LogMerge, IsEmptyWithoutInstancesOrLines)
{
    std::vector<LogMerge::Input> inputs;
    auto none = merge_of(inputs);
    EXPECT_EQ(all_of(none), "");
    EXPECT_EQ(merged(nine, instance({}, "1 "), instance({{""}}, "2 ")), "");
}

} // namespace
} // namespace keel::control
