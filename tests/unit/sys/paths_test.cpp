#include "sys/paths.hpp"

#include <gtest/gtest.h>
#include <map>

namespace keel::sys {
namespace {

PathsFrom asked(std::optional<std::string> root, unsigned uid,
                std::map<std::string, std::string> environment)
{
    return {std::move(root),
            [environment = std::move(environment)](const char* name) -> std::optional<std::string> {
                const auto found = environment.find(name);
                if (found == environment.end()) return std::nullopt;
                return found->second;
            },
            uid};
}

TEST(Paths, AreTheContractsForRoot)
{
    const auto paths = paths_from(asked({}, 0, {}));
    ASSERT_TRUE(paths.ok());
    EXPECT_EQ("/etc/keel", paths->etc);
    EXPECT_EQ("/etc/keel/units", paths->units_dir);
    EXPECT_EQ("/usr/lib/keel/units", paths->vendor_units_dir);
    EXPECT_EQ("/run/keel", paths->run);
    EXPECT_EQ("/run/keel/control.sock", paths->control_socket);
    EXPECT_EQ("/var/lib/keel", paths->lib);
    EXPECT_EQ("/var/log/keel", paths->log);
}

TEST(Paths, AllGoUnderTheRootThatIsNamedWhoeverAsks)
{
    const auto paths = paths_from(asked("/srv/x/", 1000, {{"KEEL_ROOT", "/other"}}));
    ASSERT_TRUE(paths.ok());
    EXPECT_EQ("/srv/x/etc/keel/units", paths->units_dir);
    EXPECT_EQ("/srv/x/usr/lib/keel/units", paths->vendor_units_dir);
    EXPECT_EQ("/srv/x/run/keel/control.sock", paths->control_socket);
    EXPECT_EQ("/srv/x/run/keel/fifo", paths->fifo_dir);
    EXPECT_EQ("/srv/x/var/log/keel", paths->log);
}

TEST(Paths, TakeTheRootFromTheEnvironmentIfNoneIsNamed)
{
    const auto paths = paths_from(asked({}, 0, {{"KEEL_ROOT", "/other"}}));
    ASSERT_TRUE(paths.ok());
    EXPECT_EQ("/other/etc/keel", paths->etc);
}

TEST(Paths, AreAbsoluteForARelativeRoot)
{
    const auto paths = paths_from(asked("some/where", 0, {}));
    ASSERT_TRUE(paths.ok());
    EXPECT_TRUE(paths->control_socket.is_absolute());
    EXPECT_TRUE(paths->control_socket.string().ends_with("/some/where/run/keel/control.sock"));
}

TEST(Paths, AreAUsersOwnWithoutRoot)
{
    const auto paths =
        paths_from(asked({}, 1000, {{"HOME", "/home/kim"}, {"XDG_RUNTIME_DIR", "/run/user/1000"}}));
    ASSERT_TRUE(paths.ok());
    EXPECT_EQ("/home/kim/.config/keel/units", paths->units_dir);
    EXPECT_EQ("/run/user/1000/keel/control.sock", paths->control_socket);
    EXPECT_EQ("/home/kim/.local/state/keel", paths->lib);
    EXPECT_EQ("/home/kim/.local/state/keel/log", paths->log);
}

TEST(Paths, FollowTheXdgVariablesIfTheyAreAbsolute)
{
    const auto paths = paths_from(asked({}, 1000,
                                        {{"HOME", "/home/kim"},
                                         {"XDG_RUNTIME_DIR", "/run/user/1000"},
                                         {"XDG_CONFIG_HOME", "/c"},
                                         {"XDG_STATE_HOME", "relative"}}));
    ASSERT_TRUE(paths.ok());
    EXPECT_EQ("/c/keel", paths->etc);
    EXPECT_EQ("/home/kim/.local/state/keel", paths->lib);
}

TEST(Paths, SayWhichVariableIsMissing)
{
    const auto paths = paths_from(asked({}, 1000, {{"HOME", "/home/kim"}}));
    ASSERT_FALSE(paths.ok());
    EXPECT_EQ("XDG_RUNTIME_DIR", paths.error().subject);
}

} // namespace
} // namespace keel::sys
