#include "deploy/entry_policy.hpp"
#include "deploy/failed.hpp"

#include <gmock/gmock.h>

namespace keel::deploy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Entry file(std::string path, std::uint64_t size = 0)
{
    return {std::move(path), EntryKind::file, size, 0644, 0, {}};
}
Entry directory(std::string path)
{
    return {std::move(path), EntryKind::directory, 0, 0755, 0, {}};
}
Entry link(std::string path, std::string target)
{
    return {std::move(path), EntryKind::symbolic_link, 0, 0777, 0, std::move(target)};
}
Entry hard_link(std::string path, std::string target)
{
    return {std::move(path), EntryKind::hard_link, 0, 0644, 0, std::move(target)};
}

/// Why the last of these is refused; empty: it is not.
std::string refusal(const std::vector<Entry>& entries, const Limits& limits = {})
{
    EntryPolicy policy(limits);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        try {
            policy.take(entries[i]);
        } catch (const Failed& failed) {
            EXPECT_EQ(failed.fault(), Fault::release);
            EXPECT_EQ(i + 1, entries.size()) << failed.what();
            return failed.what();
        }
    }
    return {};
}

TEST(EntryPolicyNames, AreNormalised)
{
    EntryPolicy policy;
    EXPECT_EQ(policy.take(directory("./")).path, "");
    EXPECT_EQ(policy.take(file("./a//b/./c")).path, "a/b/c");
    EXPECT_EQ(policy.take(directory("d/")).path, "d");
    EXPECT_THAT(policy.take(file("x/y/z")).missing, ElementsAre("x", "x/y"));
    EXPECT_THAT(policy.take(file("x/y/w")).missing, IsEmpty());
    EXPECT_EQ(policy.entries(), 8U);
}

TEST(EntryPolicyNames, ComeOnceHoweverTheyAreWritten)
{
    EXPECT_THAT(refusal({file("a"), file("./a")}), HasSubstr("./a: comes twice"));
    EXPECT_THAT(refusal({directory("a"), directory("a/")}), HasSubstr("comes twice"));
    EXPECT_THAT(refusal({file("a/b"), file("a")}), HasSubstr("comes twice"));
    EXPECT_THAT(refusal({file("a/b"), link("a", "b")}), HasSubstr("comes twice"));
    EXPECT_EQ(refusal({file("a/b"), directory("a")}), "");
    EXPECT_THAT(refusal({file("a/b"), directory("a"), directory("a")}), HasSubstr("comes twice"));
}

TEST(EntryPolicyNames, AreShownPrintable)
{
    EXPECT_THAT(refusal({file("a\x1b[2J")}), HasSubstr("a\\x1b[2J: its name holds control"));
    EXPECT_THAT(refusal({file("caf\xe9")}), HasSubstr("caf\\xe9"));
    EXPECT_EQ(refusal({file("日本語/ünïcode \\ \" '")}), "");
}

TEST(EntryPolicyNames, HaveLimits)
{
    EXPECT_EQ(refusal({file(std::string(255, 'a'))}), "");
    EXPECT_THAT(refusal({file(std::string(256, 'a'))}), HasSubstr("255 bytes"));
    std::string deep;
    for (int i = 0; i < 63; ++i)
        deep += "a/";
    EXPECT_EQ(refusal({file(deep + "b")}), "");
    EXPECT_THAT(refusal({file(deep + "b/c")}), HasSubstr("64 deep"));
    EXPECT_THAT(refusal({file(std::string(2049, 'a'))}), HasSubstr("2048 bytes"));
    Limits limits;
    limits.names_bytes = 10;
    EXPECT_THAT(refusal({file("12345"), file("123456")}, limits), HasSubstr("10B"));
}

TEST(EntryPolicy, CountsDirectoriesThatAreOnlyNamed)
{
    Limits limits;
    limits.entries = 4;
    EXPECT_EQ(refusal({file("a/b/c"), file("d")}, limits), "");
    EXPECT_THAT(refusal({file("a/b/c/d"), file("e")}, limits), HasSubstr("more than 4 entries"));
    EXPECT_THAT(refusal({file("a/b/c/d/e")}, limits), HasSubstr("more than 4 entries"));
}

TEST(EntryPolicy, CountsBytesWithoutOverflow)
{
    EXPECT_EQ(refusal({file("a", 32ULL << 30)}), "");
    EXPECT_THAT(refusal({file("a", 32ULL << 30), file("b", 1)}), HasSubstr("32GiB"));
    EXPECT_THAT(refusal({file("a", 1), file("b", ~0ULL)}), HasSubstr("32GiB"));
}

TEST(EntryPolicyLinks, StayInside)
{
    for (const char* good : {"x", "./x", "../x", "..", "../../x/y", "../.."})
        EXPECT_EQ(refusal({link("a/b/c", good)}), "") << good;
    EXPECT_THAT(refusal({link("a/b/c", "../../../x")}), HasSubstr("leads out"));
    EXPECT_THAT(refusal({link("c", "..")}), HasSubstr("leads out"));
    EXPECT_THAT(refusal({link("c", "/x")}), HasSubstr("absolute"));
    EXPECT_THAT(refusal({link("c", "")}), HasSubstr("nothing"));
    EXPECT_THAT(refusal({link("c", std::string(1025, 'a'))}), HasSubstr("1024 bytes"));
}

TEST(EntryPolicyLinks, DoNotLeadOutThroughOthers)
{
    // top -> . makes p/q/top/../../.. more than it seems: it would lead above the release.
    EXPECT_THAT(refusal({link("p/q/top", "../.."), link("out", "p/q/top/../../x")}),
                HasSubstr("`..` after another name"));
}

TEST(EntryPolicyLinks, AreNoDirectories)
{
    EXPECT_THAT(refusal({link("a", "b"), file("a/x")}), HasSubstr("through a symbolic link"));
    EXPECT_THAT(refusal({link("a", "b"), directory("a")}), HasSubstr("comes twice"));
    EXPECT_THAT(refusal({link("a", "b"), link("a/x/y", "z")}), HasSubstr("through a symbolic"));
    EXPECT_THAT(refusal({file("a"), file("a/x")}), HasSubstr("below what is a file"));
}

TEST(EntryPolicyHardLinks, AreToFilesBeforeThem)
{
    EXPECT_EQ(refusal({file("a/b"), hard_link("c", "./a/b"), hard_link("d", "c")}), "");
    EXPECT_THAT(refusal({hard_link("c", "a")}), HasSubstr("not in the archive before it"));
    EXPECT_THAT(refusal({directory("a"), hard_link("c", "a")}), HasSubstr("no file"));
    EXPECT_THAT(refusal({link("a", "b"), hard_link("c", "a")}), HasSubstr("no file"));
    EXPECT_THAT(refusal({file("a"), hard_link("c", "../a")}), HasSubstr("`..`"));
    EXPECT_THAT(refusal({file("a"), hard_link("c", "/a")}), HasSubstr("absolute"));
    Entry with_contents = hard_link("c", "a");
    with_contents.size = 1;
    EXPECT_THAT(refusal({file("a"), with_contents}), HasSubstr("contents of its own"));
}

TEST(EntryPolicy, TakesNothingButFilesDirectoriesAndLinks)
{
    const auto refused = [](EntryKind kind) {
        Entry entry = file("dev/x");
        entry.kind = kind;
        return refusal({entry});
    };
    EXPECT_THAT(refused(EntryKind::character_device), HasSubstr("a character device"));
    EXPECT_THAT(refused(EntryKind::block_device), HasSubstr("a block device"));
    EXPECT_THAT(refused(EntryKind::fifo), HasSubstr("a FIFO"));
    EXPECT_THAT(refused(EntryKind::socket), HasSubstr("a socket"));
    EXPECT_THAT(refused(EntryKind::other), HasSubstr("neither a file"));
}

TEST(EntryPolicy, TakesNoFileThatLendsItsOwnersRights)
{
    Entry entry = file("bin/su");
    entry.mode = 04755;
    EXPECT_THAT(refusal({entry}), HasSubstr("set-user-id"));
    entry.mode = 02755;
    EXPECT_THAT(refusal({entry}), HasSubstr("set-group-id"));
    entry.kind = EntryKind::directory;
    EXPECT_EQ(refusal({entry}), "");
}

TEST(EntryPolicy, TakesNoNamelessFileAndNoEmptyArchive)
{
    EXPECT_THAT(refusal({file("./")}), HasSubstr("has no name"));
    EXPECT_THAT(refusal({link(".", "x")}), HasSubstr("has no name"));
    EntryPolicy policy;
    policy.take(directory("."));
    EXPECT_THROW(policy.finish(), Failed);
    policy.take(directory("a"));
    policy.finish();
}

} // namespace
} // namespace keel::deploy
