// Which process belongs to which spawn, decided on made-up process tables.
#include "sys/process_tree.hpp"

#include <gtest/gtest.h>

namespace keel::sys {
namespace {

constexpr pid_t keeper = 100, engine = 101;
const TreeScope scope{keeper, engine, "/run/keel"};

struct Row {
    pid_t pid, parent, group, session;
    std::uint64_t start = 50;
    std::uint64_t mark = 0;
    std::uint64_t brand = 0;
};

/// The given rows between PID 1, the keeper and the engine.
ProcessTable table_of(std::vector<Row> rows)
{
    rows.insert(
        rows.begin(),
        {{1, 0, 1, 1, 0}, {keeper, 1, keeper, keeper, 10}, {engine, keeper, keeper, keeper, 11}});
    ProcessTable table;
    for (const Row& row : rows) {
        ProcessRow out;
        out.identity = {row.pid, row.start};
        out.parent = row.parent;
        out.group = row.group;
        out.session = row.session;
        out.spawn_mark = row.mark;
        out.brand = row.brand;
        table.push_back(out);
    }
    return table;
}

/// Owner by pid in such a table.
int owner_of(pid_t pid, const ProcessTable& table, const std::vector<TreeTarget>& targets)
{
    const std::vector<int> owners = owners_in(table, targets, scope);
    for (std::size_t i = 0; i < table.size(); ++i)
        if (table[i].identity.pid == pid) return owners[i];
    return -2;
}

TreeTarget target(std::uint64_t id, pid_t pid, std::uint64_t start = 50)
{
    TreeTarget one;
    one.id = SpawnId{id};
    one.main = {pid, start};
    return one;
}

TEST(TreeOwnership, IsOfTheMainProcessAndItsDescendants)
{
    const auto table = table_of({{200, keeper, 200, 200},
                                 {201, 200, 200, 200},
                                 {202, 201, 202, 202},
                                 {300, keeper, 300, 300},
                                 {301, 300, 300, 300}});
    const std::vector targets{target(1, 200), target(2, 300)};
    EXPECT_EQ(owner_of(200, table, targets), 0);
    EXPECT_EQ(owner_of(202, table, targets), 0) << "a session of its own, but a parent of ours";
    EXPECT_EQ(owner_of(301, table, targets), 1);
    EXPECT_EQ(owner_of(engine, table, targets), -1);
    EXPECT_EQ(owner_of(keeper, table, targets), -1);
}

TEST(TreeOwnership, OutlivesTheMainProcessInSessionAndGroup)
{
    const auto table = table_of({{201, keeper, 200, 200}, {202, keeper, 202, 200}});
    EXPECT_EQ(owner_of(201, table, {target(1, 200)}), 0);
    EXPECT_EQ(owner_of(202, table, {target(1, 200)}), 0);
}

TEST(TreeOwnership, IsNotInheritedByAnotherProcessWithTheSameNumber)
{
    const auto table = table_of({{200, keeper, 200, 200, 90}, {201, 200, 200, 200, 91}});
    EXPECT_EQ(owner_of(200, table, {target(1, 200)}), -1);
    EXPECT_EQ(owner_of(201, table, {target(1, 200)}), -1);
}

TEST(TreeOwnership, IsNotOfWhatIsOlderThanTheSpawn)
{
    const auto table = table_of({{201, keeper, 200, 200, 40}});
    EXPECT_EQ(owner_of(201, table, {target(1, 200)}), -1);
}

TEST(TreeOwnership, IsToldByMarkAndBrandOfAnOrphan)
{
    const auto table =
        table_of({{210, keeper, 210, 210, 60, 1},
                  {211, keeper, 211, 211, 60, 0, brand_of(SpawnId{1}, "/run/keel")},
                  {212, keeper, 212, 212, 60, 0, brand_of(SpawnId{1}, "/x/run/keel")},
                  {213, 211, 213, 213, 61}});
    EXPECT_EQ(owner_of(210, table, {target(1, 200)}), 0);
    EXPECT_EQ(owner_of(211, table, {target(1, 200)}), 0);
    EXPECT_EQ(owner_of(212, table, {target(1, 200)}), -1) << "the brand of another keeld";
    EXPECT_EQ(owner_of(213, table, {target(1, 200)}), 0);
}

TEST(TreeOwnership, RemembersWhoWasAMember)
{
    const auto table = table_of({{220, keeper, 220, 220, 60}});
    auto known = target(1, 200);
    EXPECT_EQ(owner_of(220, table, {known}), -1);
    known.known = {{220, 60}};
    EXPECT_EQ(owner_of(220, table, {known}), 0);
    known.known = {{220, 59}};
    EXPECT_EQ(owner_of(220, table, {known}), -1);
}

TEST(TreeOwnership, SurvivesAncestryThatRunsInCircles)
{
    // Readings of different moments: each process claims the other as its parent.
    const auto table = table_of({{230, 231, 230, 230}, {231, 230, 231, 231}});
    EXPECT_EQ(owner_of(230, table, {target(1, 200)}), -1);
}

TEST(TreeOwnership, IsNotPassedToAChildThatIsOlderThanItsParent)
{
    const auto table = table_of({{200, keeper, 200, 200, 50}, {240, 200, 240, 240, 49}});
    EXPECT_EQ(owner_of(240, table, {target(1, 200)}), -1);
}

TEST(TreeOwnership, BrandsAreNeverUnlimited)
{
    for (std::uint64_t id = 1; id < 1000; ++id) {
        EXPECT_NE(brand_of(SpawnId{id}, "/run/keel"), 0U);
        EXPECT_LT(brand_of(SpawnId{id}, "/run/keel"), ~std::uint64_t{0} >> 1);
    }
}

TEST(TreeStat, ReadsALineWhateverTheProgramIsCalled)
{
    const auto row =
        parse_stat("77 (a) R 1 (b) S 5 6 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 999 1");
    ASSERT_TRUE(row);
    EXPECT_EQ(row->identity, (ProcessIdentity{77, 999}));
    EXPECT_EQ(row->parent, 5);
    EXPECT_EQ(row->group, 6);
    EXPECT_EQ(row->session, 7);
    EXPECT_EQ(row->cpu_ticks, 5U + 6 + 7 + 8);
    EXPECT_FALSE(row->dead);
}

TEST(TreeStat, ReadsHowMuchMemoryIsResident)
{
    const auto row =
        parse_stat("77 (x) S 5 6 7 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 999 70000 123 18446744073");
    ASSERT_TRUE(row);
    EXPECT_EQ(row->resident_pages, 123U);
}

TEST(TreeStat, KnowsTheDeadAndTheirStatus)
{
    std::string line = "77 (x) Z 5 6 7 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 999";
    for (int field = 23; field < 52; ++field)
        line += " 0";
    const auto row = parse_stat(line + " 10752\n");
    ASSERT_TRUE(row);
    EXPECT_TRUE(row->dead);
    EXPECT_EQ(row->exit_status, 0x2a00);
}

TEST(TreeStat, RefusesWhatIsNoSuchLine)
{
    for (const char* line :
         {"", "x", "1 (", "1 (x)", "1 (x) S", "1 (x) S 1 2", "1 (x) S 1 2 3 4 5"})
        EXPECT_FALSE(parse_stat(line)) << line;
}

} // namespace
} // namespace keel::sys
