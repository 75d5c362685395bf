// Generations on a real disk, and which configuration a daemon starts with.
#include "base/owned_fd.hpp"
#include "sys/disk_changes.hpp"
#include "sys/start_configuration.hpp"
#include "tests/integration/units/folder.hpp"
#include "units/plan.hpp"

#include <array>
#include <chrono>
#include <filesystem>
#include <gmock/gmock.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace keel::sys {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

/// A root with a unit directory in it.
class Root {
public:
    Root() : paths_(*paths_from({folder_.path(), nullptr, 0}))
    {
        fs::create_directories(paths_.units_dir / "web.toml.d");
    }

    void write(const std::string& name, const std::string& text) const
    {
        folder_.write("etc/keel/" + name, text);
    }

    void remove(const std::string& name) const { fs::remove(paths_.etc / name); }
    [[nodiscard]] const Paths& paths() const { return paths_; }

    [[nodiscard]] StartConfiguration start(StartKind kind) const
    {
        return configuration_at_start(paths_, kind);
    }
    [[nodiscard]] StartConfiguration fresh() const { return start(StartKind::fresh); }

    [[nodiscard]] std::string current() const
    {
        return Generations(paths_.lib / "generations").current().value_or("none").filename();
    }

private:
    test::Folder folder_;
    Paths paths_;
};

int nice_of(const StartConfiguration& start)
{
    const units::LoadedUnit* const unit = start.in_force.units.find("web");
    return unit != nullptr && unit->spec ? unit->spec->scheduling.nice : -100;
}

using Names = std::set<std::string>;

TEST(DiskChanges, AreOfUnitsWhoseMeaningIsNotThatInForce)
{
    const Root root;
    root.write("units/web.toml", "command = \"web\"");
    root.write("units/api.toml", "command = \"api\"");
    DiskChanges disk(root.paths());
    EXPECT_EQ(disk.look(), Names{}) << "nothing is in force";
    (void)root.fresh();
    EXPECT_EQ(disk.look(), Names{});
    root.write("units/web.toml", "command = [\"web\"] # the same");
    EXPECT_EQ(disk.look(), Names{});
    root.write("units/web.toml.d/a.toml", "nice = 1");
    EXPECT_EQ(disk.look(), Names{"web"});
    root.write("keel.toml", "[defaults]\nnice = 1");
    EXPECT_EQ(disk.look(), (Names{"api", "web"}));
    root.write("units/new.toml", "nonsense");
    EXPECT_EQ(disk.look(), (Names{"api", "new", "web"}));
    root.write("units/new.toml", "command = \"new\"");
    (void)root.fresh();
    EXPECT_EQ(disk.look(), Names{});
    root.remove("units/api.toml");
    EXPECT_EQ(disk.look(), Names{"api"});
}

TEST(DiskChanges, AreOfUnitsWhoseEnvironmentFilesSaySomethingElse)
{
    const Root root;
    root.write("secrets", "TOKEN=1\n");
    const std::string file = root.paths().etc / "secrets";
    root.write("units/web.toml", "command = \"web\"\nenvironment_files = [\"" + file + "\"]");
    root.write("units/api.toml", "command = \"api\"");
    const auto start = root.fresh();
    DiskChanges disk(root.paths());
    EXPECT_EQ(disk.look(), Names{}) << "what it said is not known";
    const Generations generations(root.paths().lib / "generations");
    ASSERT_TRUE(generations.note_environments(units::read_environments(start.in_force)).ok());
    EXPECT_EQ(disk.look(), Names{});
    const auto kept = fs::status(root.paths().lib / "generations/environment").permissions();
    EXPECT_EQ(kept, fs::perms::owner_read | fs::perms::owner_write);
    root.write("secrets", "# a comment\nTOKEN='1'\n");
    EXPECT_EQ(disk.look(), Names{});
    root.write("secrets", "TOKEN=2\n");
    EXPECT_EQ(disk.look(), Names{"web"});
    root.remove("secrets");
    EXPECT_EQ(disk.look(), Names{"web"});
    root.write("secrets", "TOKEN=1\n");
    EXPECT_EQ(disk.look(), Names{});
}

/// Whether files of the folder have been opened since the last question.
class Opens {
public:
    explicit Opens(const fs::path& folder) : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC))
    {
        ::inotify_add_watch(fd_.get(), folder.c_str(), IN_OPEN);
    }
    [[nodiscard]] bool any() const
    {
        alignas(inotify_event) std::array<char, 4096> events;
        bool found = false;
        for (ssize_t got = 0; (got = ::read(fd_.get(), events.data(), events.size())) > 0;)
            for (ssize_t at = 0; at < got;) {
                const auto* event = reinterpret_cast<const inotify_event*>(events.data() + at);
                found = found || (event->mask & IN_ISDIR) == 0;
                at += static_cast<ssize_t>(sizeof *event + event->len);
            }
        return found;
    }

private:
    OwnedFd fd_;
};

TEST(DiskChanges, AreReadForOnlyWhereATimeIsNewOrTooYoungToTell)
{
    const Root root;
    root.write("units/web.toml", "command = \"web\"");
    (void)root.fresh();
    DiskChanges disk(root.paths());
    const Opens opens(root.paths().units_dir);
    EXPECT_EQ(disk.look(), Names{});
    EXPECT_TRUE(opens.any());
    const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (bool reads = true; reads; reads = opens.any()) {
        ASSERT_LT(std::chrono::steady_clock::now(), late) << "it reads for ever";
        EXPECT_EQ(disk.look(), Names{});
    }
    root.write("units/web.toml", "command = \"other\"");
    EXPECT_EQ(disk.look(), Names{"web"});
}

TEST(StartConfiguration, IsTheDirectoryAndBecomesAGeneration)
{
    const Root root;
    root.write("units/web.toml", "command = \"web\"");
    root.write("units/web.toml.d/a.toml", "nice = 1");
    root.write("keel.toml", "[defaults]\numask = \"0077\"\n[storm]\nburst = 7");
    const auto start = root.fresh();
    EXPECT_THAT(start.alarms, IsEmpty());
    EXPECT_EQ(nice_of(start), 1);
    EXPECT_EQ(root.current(), "1");
    EXPECT_EQ(root.fresh().in_force.daemon.spec.storm.burst, 7U);
    EXPECT_EQ(root.current(), "1") << "nothing has changed";
}

TEST(StartConfiguration, GoesOnWithTheGenerationInForceWhole)
{
    const Root root;
    root.write("units/web.toml", "command = \"web\"");
    root.write("units/web.toml.d/a.toml", "nice = 1");
    root.write("keel.toml", "[defaults]\numask = \"0077\"\n[storm]\nburst = 7");
    (void)root.fresh();
    root.write("units/web.toml.d/a.toml", "nice = 2");
    root.write("keel.toml", "nonsense");
    const auto start = root.start(StartKind::go_on);
    EXPECT_THAT(start.alarms, IsEmpty());
    EXPECT_EQ(nice_of(start), 1);
    EXPECT_EQ(start.in_force.daemon.spec.storm.burst, 7U);
    EXPECT_EQ(start.in_force.units.find("web")->spec->umask, 0077U);
}

TEST(StartConfiguration, IsTheLastGenerationWhereTheDirectoryHasProblems)
{
    const Root root;
    root.write("units/web.toml", "command = \"web\"\nnice = 1");
    (void)root.fresh();
    root.write("units/web.toml", "command = \"web\"\nnice = 2");
    root.write("keel.toml", "[log]\nlevel = 5");
    const auto start = root.fresh();
    EXPECT_EQ(nice_of(start), 1);
    EXPECT_THAT(start.alarms, ElementsAre(HasSubstr("keel.toml:2:9: log.level: expected"),
                                          HasSubstr("generation 1 stays in force")));
    root.write("keel.toml", "");
    EXPECT_EQ(nice_of(root.fresh()), 2);
    EXPECT_EQ(root.current(), "2");
}

TEST(StartConfiguration, IsWhatIsUsableWhereNothingElseIs)
{
    const Root root;
    root.write("keel.toml", "[log]\nlevel = \"debug\"\n[htp]");
    root.write("units/web.toml", "command = \"web\"\nnice = 1");
    root.write("units/bad.toml", "command = 5");
    const auto start = root.fresh();
    EXPECT_EQ(nice_of(start), 1);
    EXPECT_EQ(start.in_force.daemon.spec.log_level, units::LogLevel::debug);
    EXPECT_THAT(start.alarms, ElementsAre(HasSubstr("htp"), HasSubstr("bad.toml"),
                                          HasSubstr("what is usable of it is in force")));
    root.write("units/web.toml", "command = \"web\"\nnice = 2");
    EXPECT_EQ(nice_of(root.start(StartKind::go_on)), 1) << "a crash changes nothing";
    EXPECT_EQ(nice_of(root.fresh()), 2) << "a generation with problems is no better";
}

TEST(Generations, AreKeptUpToALimitAndAreWhole)
{
    const test::Folder folder;
    Generations generations(folder.path());
    for (int i = 1; i <= 13; ++i)
        EXPECT_EQ(*generations.store(
                      {{"units/web.toml", "command = \"web\"\nnice = " + std::to_string(i)}}),
                  static_cast<std::uint64_t>(i));
    EXPECT_FALSE(fs::exists(folder / "3"));
    EXPECT_TRUE(fs::exists(folder / "4"));
    EXPECT_EQ(generations.current()->filename(), "13");
}

TEST(Generations, ThatWereInterruptedDoNotCount)
{
    const test::Folder folder;
    fs::create_directories(folder / "staged.partial/units");
    folder.write("staged.partial/units/left.toml", "command = \"left\"");
    Generations generations(folder.path());
    EXPECT_EQ(generations.current(), std::nullopt);
    EXPECT_EQ(*generations.store({{"units/web.toml", "command = \"web\""}}), 1U);
    EXPECT_FALSE(fs::exists(folder / "1/units/left.toml"));
    EXPECT_FALSE(fs::exists(folder / "staged.partial"));
}

TEST(Generations, CountOnlyOnceTheyAreInForce)
{
    const test::Folder folder;
    const auto files = [](int nice) {
        return Generations::Files{
            {"units/web.toml", "command = \"web\"\nnice = " + std::to_string(nice)}};
    };
    Generations generations(folder.path());
    ASSERT_EQ(*generations.store(files(1)), 1U);
    ASSERT_TRUE(generations.stage(files(2)));
    EXPECT_EQ(generations.current()->filename(), "1");
    EXPECT_THAT(generations.numbers(), ElementsAre(1));
    ASSERT_TRUE(generations.stage(files(3)));
    EXPECT_EQ(*generations.put_staged_in_force(), 2U);
    EXPECT_EQ(Generations(folder.path()).current()->filename(), "2");
    EXPECT_EQ(generations.former(), 1U);
    ASSERT_TRUE(generations.stage(files(3)));
    EXPECT_EQ(*generations.put_staged_in_force(), 2U) << "it says the same";
    EXPECT_EQ(generations.former(), 1U);
}

TEST(Generations, CanBePutInForceAgainAndAreKeptWhileTheyAreNamed)
{
    const test::Folder folder;
    Generations generations(folder.path());
    const auto store = [&](int nice) {
        return *generations.store(
            {{"units/web.toml", "command = \"web\"\nnice = " + std::to_string(nice)}});
    };
    for (int i = 1; i <= 12; ++i)
        (void)store(i);
    EXPECT_FALSE(generations.folder_of(2));
    EXPECT_EQ(*generations.put_in_force(3), 3U);
    EXPECT_EQ(generations.former(), 12U);
    EXPECT_EQ(generations.current()->filename(), "3");
    EXPECT_EQ(store(99), 13U);
    EXPECT_EQ(generations.former(), 3U);
    EXPECT_TRUE(generations.folder_of(3)) << "the oldest of all, and the way back";
}

TEST(Generations, KeepAUnitOfWhichSomethingCannotBeReadAsUnusable)
{
    units::Collected collected;
    collected.units.push_back({"web",
                               {"web.toml", "command = \"web\""},
                               {{"web.toml.d/a.toml", units::Mistake{"cannot be opened", ""}}}});
    EXPECT_THAT(files_of(collected),
                ElementsAre(std::pair<const std::string, std::string>("units/web.toml", "")));
}

} // namespace
} // namespace keel::sys
