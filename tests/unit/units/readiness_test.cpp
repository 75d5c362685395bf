// What `ready` and `watchdog` ask of the rest of a unit file.
#include "tests/unit/units/helpers.hpp"

#include <gmock/gmock.h>

namespace keel::units {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Readiness, ByALineNeedsOutputThatKeelSees)
{
    for (const char* target : {"null", "inherit", "journal"})
        EXPECT_THAT(problems_of("command = \"web\"\nready = \"log:up\"\n[log]\ntarget = \"" +
                                std::string(target) + "\"\n"),
                    ElementsAre(HasSubstr("waits for a line that Keel does not see")))
            << target;
}

TEST(Readiness, ByALineNamesOne)
{
    EXPECT_THAT(problems_of("command = \"web\"\nready = \"log:\"\n"),
                ElementsAre(HasSubstr("waits for no line in particular")));
    EXPECT_EQ(load_good("command = \"web\"\nready = 'log:^up: \\d+$'\n").ready_line, "^up: \\d+$");
}

TEST(Readiness, ByADescriptorNamesOneThatIsFree)
{
    const UnitSpec spec = load_good("command = \"web\"\nready = \"fd:3\"\n");
    EXPECT_EQ(spec.ready, ReadyBy::descriptor);
    EXPECT_EQ(spec.ready_fd, 3);
    EXPECT_EQ(load_good("command = \"web\"\nready = \"fd:255\"\n").ready_fd, 255);
    for (const char* number : {"2", "256", "", "x", "-1", "3 "})
        EXPECT_THAT(problems_of("command = \"web\"\nready = \"fd:" + std::string(number) + "\"\n"),
                    ElementsAre(HasSubstr("is no descriptor that can be kept for it (from "
                                          "\"fd:3\" to \"fd:255\")")))
            << number;
}

TEST(Readiness, ByItsWordLeavesTheVariablesToKeel)
{
    constexpr auto variables = "[environment]\nNOTIFY_SOCKET = \"/run/mine\"\n";
    EXPECT_THAT(problems_of(std::string("command = \"web\"\nwatchdog = \"5s\"\n") + variables),
                ElementsAre(HasSubstr("sets NOTIFY_SOCKET, which Keel does itself")));
    (void)load_good(std::string("command = \"web\"\n") + variables);
}

TEST(Readiness, MeansNothingForAOneshot)
{
    for (const char* ready : {"notify", "log:up", "fd:3"})
        EXPECT_THAT(problems_of("command = \"web\"\ntype = \"oneshot\"\nready = \"" +
                                std::string(ready) + "\"\n"),
                    ElementsAre(HasSubstr("means nothing for a oneshot")));
}

} // namespace
} // namespace keel::units
