// Reading unit files from a real directory.
#include "tests/integration/units/folder.hpp"
#include "tests/support/golden.hpp"
#include "units/document.hpp"
#include "units/unit_set.hpp"

#include <filesystem>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::units {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

std::vector<std::string> names_of(const UnitSet& set)
{
    std::vector<std::string> names;
    for (const LoadedUnit& unit : set.units)
        names.push_back(unit.name);
    return names;
}

TEST(Directory, GivesItsUnitsByNameAndNothingElse)
{
    const test::Folder folder;
    folder.write("worker.toml", "command = \"worker\"\nrequires = [\"backbone\"]");
    folder.write("backbone.toml", "command = \"redis-server\"");
    folder.write(".hidden.toml", "nonsense");
    folder.write("worker.toml.orig", "nonsense");
    folder.write("README", "nonsense");
    fs::create_directory(folder / "worker.toml.d");
    const UnitSet set = load_directory(folder.path());
    EXPECT_THAT(names_of(set), ElementsAre("backbone", "worker"));
    EXPECT_THAT(set.all_problems(), IsEmpty());
    EXPECT_EQ(set.find("worker")->path, folder / "worker.toml");
}

TEST(Directory, KeepsGoodUnitsWhenOthersHaveProblems)
{
    const test::Folder folder;
    folder.write("bad.toml", "command = ");
    folder.write("good.toml", "command = \"good\"");
    folder.write("needy.toml", "command = \"needy\"\nrequires = [\"bad\"]");
    folder.write("Strange.toml", "command = \"strange\"");
    const UnitSet set = load_directory(folder.path());
    EXPECT_EQ(set.units.size(), 4U);
    EXPECT_TRUE(set.find("good")->spec.has_value());
    EXPECT_EQ(set.all_problems().size(), 3U);
}

TEST(Directory, ThatIsNotThereIsOneProblem)
{
    const test::Folder folder;
    const UnitSet set = load_directory(folder / "missing");
    EXPECT_THAT(set.units, IsEmpty());
    ASSERT_EQ(set.problems.size(), 1U);
    EXPECT_THAT(to_text(set.problems[0]),
                HasSubstr("missing: cannot be read: No such file or directory"));
    EXPECT_EQ(load_directory(folder.write("file", "")).problems.size(), 1U);
}

TEST(Directory, ThatIsEmptyHasNoProblem)
{
    const test::Folder folder;
    const UnitSet set = load_directory(folder.path());
    EXPECT_THAT(set.units, IsEmpty());
    EXPECT_THAT(set.problems, IsEmpty());
}

TEST(UnitFile, ThatIsAFifoOrAFolderDoesNotBlock)
{
    const test::Folder folder;
    ASSERT_EQ(::mkfifo((folder / "pipe.toml").c_str(), 0600), 0);
    fs::create_directory(folder / "folder.toml");
    fs::create_symlink("/dev/zero", folder / "zero.toml");
    const UnitSet set = load_directory(folder.path());
    ASSERT_EQ(set.units.size(), 3U);
    for (const LoadedUnit& unit : set.units)
        EXPECT_THAT(to_text(unit.problems.at(0)), HasSubstr("is not a regular file"));
}

TEST(UnitFile, ThatCannotBeOpenedIsAProblemOfTheUnit)
{
    const test::Folder folder;
    fs::create_symlink("nowhere", folder / "dangling.toml");
    const LoadedUnit unit = load_file(folder / "dangling.toml");
    EXPECT_EQ(unit.name, "dangling");
    ASSERT_EQ(unit.problems.size(), 1U);
    EXPECT_THAT(to_text(unit.problems[0]), HasSubstr("cannot be opened: No such file"));
}

TEST(UnitFile, ThatIsTooLargeIsNotReadWhole)
{
    const test::Folder folder;
    const std::string path = folder.write("huge.toml", "");
    fs::resize_file(path, 1ULL << 33); // sparse
    const LoadedUnit unit = load_file(path);
    ASSERT_EQ(unit.problems.size(), 1U);
    EXPECT_THAT(to_text(unit.problems[0]), HasSubstr("larger than 1MiB"));

    const std::string limit = folder.write("limit.toml", "command = \"x\"\n");
    std::ofstream(limit, std::ios::app) << std::string(document_size_max - 14, '#');
    EXPECT_TRUE(load_file(limit).spec.has_value());
}

TEST(Directory, WithTooManyFilesIsRefusedWhole)
{
    const test::Folder folder;
    const std::string first = folder.write("u.toml", "command = \"x\"");
    for (std::size_t i = 0; i < units_max; ++i)
        fs::create_hard_link(first, folder / ("u" + std::to_string(i) + ".toml"));
    const UnitSet set = load_directory(folder.path());
    EXPECT_THAT(set.units, IsEmpty());
    ASSERT_EQ(set.problems.size(), 1U);
    EXPECT_THAT(to_text(set.problems[0]), HasSubstr("more than 10000 unit files"));
    fs::remove(first);
    EXPECT_EQ(load_directory(folder.path()).units.size(), units_max);
}

TEST(Directory, LaysDropInsOverTheirUnitInTheOrderOfTheirNames)
{
    const test::Folder folder;
    folder.write("web.toml", "command = \"web\"");
    fs::create_directory(folder / "web.toml.d");
    folder.write("web.toml.d/20-b.toml", "priority = 20");
    folder.write("web.toml.d/10-a.toml", "priority = 10\nnice = 5");
    folder.write("web.toml.d/.hidden.toml", "nonsense");
    folder.write("web.toml.d/30-c.toml.orig", "nonsense");
    const UnitSet set = load_directory(folder.path());
    EXPECT_THAT(set.all_problems(), IsEmpty());
    EXPECT_EQ(set.find("web")->spec->priority, 20);
    EXPECT_EQ(set.find("web")->spec->scheduling.nice, 5);
    EXPECT_EQ(load_file(folder / "web.toml").spec->priority, 20);
}

TEST(Directory, OfTheVendorIsHiddenUnitByUnitAndDropInByDropIn)
{
    const test::Folder own;
    const test::Folder vendor;
    own.write("web.toml", "command = \"own\"");
    vendor.write("web.toml", "command = \"vendor\"\nnice = 5");
    vendor.write("redis.toml", "command = \"redis\"");
    for (const test::Folder* folder : {&own, &vendor})
        fs::create_directory(*folder / "redis.toml.d");
    vendor.write("redis.toml.d/10.toml", "nice = 1\npriority = 1");
    vendor.write("redis.toml.d/20.toml", "priority = 2");
    own.write("redis.toml.d/10.toml", "nice = 3");
    const UnitSet set = load_units(collect({own.path(), vendor.path()}));
    EXPECT_THAT(set.all_problems(), IsEmpty());
    EXPECT_THAT(names_of(set), ElementsAre("redis", "web"));
    EXPECT_THAT(set.find("web")->spec->command, ElementsAre("own"));
    EXPECT_EQ(set.find("web")->spec->scheduling.nice, 0);
    EXPECT_EQ(set.find("redis")->spec->scheduling.nice, 3);
    EXPECT_EQ(set.find("redis")->spec->priority, 2);
}

TEST(Directory, OfTheVendorNeedNotBeThere)
{
    const test::Folder own;
    own.write("web.toml", "command = \"own\"");
    EXPECT_THAT(load_units(collect({own.path(), own / "nothing"})).all_problems(), IsEmpty());
}

TEST(Directory, WithDropInsOfNoUnitIsTold)
{
    const test::Folder folder;
    folder.write("web.toml", "command = \"web\"");
    fs::create_directory(folder / "wep.toml.d");
    const UnitSet set = load_directory(folder.path());
    ASSERT_EQ(set.problems.size(), 1U);
    EXPECT_THAT(to_text(set.problems[0]),
                HasSubstr("wep.toml.d: there is no unit file wep.toml for these drop-ins (did you "
                          "mean `web.toml`?)"));
    EXPECT_TRUE(set.find("web")->spec.has_value());
}

TEST(Directory, OfDropInsThatIsNoneIsAProblemOfTheUnit)
{
    const test::Folder folder;
    folder.write("web.toml", "command = \"web\"");
    folder.write("web.toml.d", "");
    folder.write("many.toml", "command = \"many\"");
    fs::create_directory(folder / "many.toml.d");
    for (std::size_t i = 0; i <= drop_ins_max; ++i)
        folder.write("many.toml.d/" + std::to_string(i) + ".toml", "");
    const UnitSet set = load_directory(folder.path());
    EXPECT_THAT(to_text(set.find("web")->problems.at(0)), HasSubstr("Not a directory"));
    EXPECT_THAT(to_text(set.find("many")->problems.at(0)), HasSubstr("more than 100 drop-ins"));
}

TEST(Directory, ProblemsAreWordedAsTheGoldenFileSays)
{
    const test::Folder folder;
    std::string all;
    const auto tell = [&](std::string_view title, const std::string& path) {
        const auto problems = load_directory(path).all_problems();
        EXPECT_FALSE(problems.empty()) << title;
        all += "# " + std::string(title) + "\n";
        for (const Problem& problem : problems)
            all += folder.without_path(to_text(problem)) + "\n";
        all += "\n";
    };
    tell("folder that is not there", folder / "nowhere");
    tell("folder that is none", folder.write("file", ""));
    fs::create_directories(folder / "files/folder.toml");
    fs::create_symlink("nowhere", folder / "files/dangling.toml");
    tell("files that are none", folder / "files");
    fs::create_directories(folder / "strays/wep.toml.d");
    folder.write("strays/web.toml", "command = \"web\"");
    fs::create_directories(folder / "strays/other.toml.d");
    tell("drop-ins of no unit", folder / "strays");
    fs::create_directories(folder / "drop-ins/many.toml.d");
    folder.write("drop-ins/web.toml", "command = \"web\"");
    folder.write("drop-ins/web.toml.d", "");
    folder.write("drop-ins/many.toml", "command = \"many\"");
    for (std::size_t i = 0; i <= drop_ins_max; ++i)
        folder.write("drop-ins/many.toml.d/" + std::to_string(i) + ".toml", "");
    tell("drop-ins that are none, or too many", folder / "drop-ins");
    fs::create_directory(folder / "many");
    const std::string first = folder.write("many/u.toml", "command = \"x\"");
    for (std::size_t i = 0; i < units_max; ++i)
        fs::create_hard_link(first, folder / ("many/u" + std::to_string(i) + ".toml"));
    tell("too many units", folder / "many");
    test::expect_golden("tests/golden/directory-problems.txt", all);
}

TEST(Examples, ThatAreShippedAreWithoutProblems)
{
    const UnitSet set = load_directory(std::string(KEEL_SOURCE_DIR) + "/units/examples");
    for (const Problem& problem : set.all_problems())
        ADD_FAILURE() << to_text(problem);
    EXPECT_THAT(set.units, testing::Not(IsEmpty()));
}

} // namespace
} // namespace keel::units
