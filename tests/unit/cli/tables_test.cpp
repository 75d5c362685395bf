// What the client shows people, held against golden files.
#include "base/text.hpp"
#include "cli/events.hpp"
#include "cli/help.hpp"
#include "cli/layout.hpp"
#include "cli/outages.hpp"
#include "cli/status.hpp"
#include "cli/table.hpp"
#include "cli/target.hpp"
#include "cli/watch.hpp"
#include "cli/why.hpp"
#include "cli/words.hpp"
#include "tests/support/fake_supervisor.hpp"
#include "tests/support/golden.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <set>

namespace keel::cli {
namespace {

using namespace std::chrono_literals;
using test::morning;

const WallTime now = morning(2h + 5min);

core::UnitView in_backoff()
{
    core::UnitView unit = test::unit_up("network-backbone");
    unit.status = core::UnitStatus::down;
    unit.ready = 0;
    unit.restarts = 3;
    auto& instance = unit.instances[0];
    instance.state = "backoff";
    instance.reason = "SIGSEGV (core dumped); restart 3 in a row";
    instance.since = now - 812ms;
    instance.next_at = now + 3200ms;
    instance.pid.reset();
    instance.restarts = 3;
    core::OutageView outage;
    outage.record.id = OutageId{4};
    outage.record.unit = unit.name;
    outage.record.opened.wall = now - 12s;
    outage.record.cause_text = "SIGSEGV (core dumped)";
    outage.length = 12s;
    unit.outage = outage;
    unit.since = core::since_of(unit);
    return unit;
}

core::UnitView degraded()
{
    core::UnitView unit = test::unit_up("worker", 2);
    unit.status = core::UnitStatus::degraded;
    unit.ready = 1;
    unit.instances[0].probes = {
        {"http", core::Verdict::pass, core::VerdictKind::none, 3ms, "status 200"}};
    auto& instance = unit.instances[1];
    instance.state = "unready";
    instance.reason = "probe http: status 503\x1b[2J";
    instance.since = now - 42s;
    instance.next_at = now + 4min + 18s;
    instance.probes = {{"http", core::Verdict::fail, core::VerdictKind::status, 3ms, "status 503"}};
    unit.since = core::since_of(unit);
    return unit;
}

std::vector<core::UnitView> some_units()
{
    core::UnitView up = test::unit_up("api-server");
    up.since = core::since_of(up);
    core::UnitView held = test::unit_up("billing");
    held.wanted = "held";
    held.held = core::Held{"ann (uid 1000)", "migration", now - 30min, Now{{}, now + 90min},
                           core::Held::Process::left_running};
    held.status = core::UnitStatus::held;
    held.since = core::since_of(held);
    core::UnitView waiting = test::unit_up("panel");
    waiting.status = core::UnitStatus::blocked;
    waiting.ready = 0;
    waiting.instances[0].state = "blocked";
    waiting.instances[0].reason = "waits for network-backbone";
    waiting.instances[0].since = now - 12s;
    waiting.since = core::since_of(waiting);
    core::UnitView rolling = test::unit_up("queue", 3);
    rolling.operation = core::OperationView{OperationId{17}, core::Verb::restart, "root (uid 0)",
                                            "2 of 3 instances to go"};
    rolling.since = core::since_of(rolling);
    return {up, held, in_backoff(), waiting, rolling, degraded()};
}

struct GoldenTest : testing::Test {
    GoldenTest()
    {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
    }
};

TEST_F(GoldenTest, StatusTable)
{
    test::expect_golden("tests/golden/cli-status.txt", status_table(some_units(), now, {}));
    test::expect_golden("tests/golden/cli-status-80-columns.txt",
                        status_table(some_units(), now, {Colour::off, 80}));
    test::expect_golden("tests/golden/cli-status-colour.txt",
                        status_table(some_units(), now, {Colour::on, 80}));
}

TEST_F(GoldenTest, UnitDetails)
{
    test::expect_golden("tests/golden/cli-status-unit.txt",
                        unit_details(degraded(), now, {}) + "\n" +
                            unit_details(in_backoff(), now, {}));
}

TEST_F(GoldenTest, Why)
{
    const core::WhyView why{
        in_backoff(),
        {{1, now - 12s, "network-backbone", "network-backbone", "state",
          "ready -> backoff (SIGSEGV (core dumped))"},
         {2, now - 24h, "network-backbone", "network-backbone.1", "rung",
          "climbs from restart to retry"}},
        {"network-backbone has been in backoff for 812 ms: SIGSEGV (core dumped)"},
        {"network-backbone starts again in 3.2 s"}};
    test::expect_golden("tests/golden/cli-why.txt", why_text(why, now, {}));
}

TEST_F(GoldenTest, WhyAtEightyColumns)
{
    core::WhyView why{degraded(), {}, {}, {}};
    why.happened = {{1, now - 12s, "worker", "worker.2", "rung",
                     "ladder restart -> retry (5 failures within 10m, the last one: probe http: "
                     "status 503 instead of 200-399)"}};
    why.now = {"worker.2 has been unready for 42 s: probe http: status 503, and a rather long "
               "detail that the service gave with it"};
    test::expect_golden("tests/golden/cli-why-80-columns.txt",
                        why_text(why, now, {Colour::off, 80}));
}

TEST_F(GoldenTest, OutagesAndEvents)
{
    auto closed = *in_backoff().outage;
    closed.record.id = OutageId{3};
    closed.record.opened.wall = now - 26h;
    closed.record.closed = Now{{}, now - 25h};
    closed.record.planned = core::Outage::Planned::yes;
    closed.record.cause_text = "restart by root (uid 0)";
    closed.length = 1h;
    auto settling = *in_backoff().outage;
    settling.settling = core::OutageView::Settling::yes;
    std::string text = outages_table({*in_backoff().outage, settling, closed}, now, {}) + "\n";
    text +=
        event_line({9, now, "worker", "worker.2", "state", "ready -> backoff (exit 1)"}, now, {});
    text += event_line({9, now, "", "keeld", "keeld", "engine 2 took over 14 processes"}, now, {});
    text +=
        event_line({9, now, "w", "w", "failure", std::string(200, 'x')}, now, {Colour::off, 80});
    test::expect_golden("tests/golden/cli-outages-events.txt", text);
}

TEST_F(GoldenTest, Help)
{
    std::string text = overview();
    for (const auto& command : commands())
        text += "\n==== keel help " + std::string(command.name) + "\n" + help_page(command);
    text += "\n==== keel help exit\n" + exit_page();
    test::expect_golden("tests/golden/cli-help.txt", text);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        EXPECT_LE(width_of(line), 100U) << line;
}

TEST(Help, StaysWithinTheTerminal)
{
    std::string text = overview(60);
    for (const Command& command : commands())
        text += help_page(command, 60);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        EXPECT_TRUE(width_of(line) <= 60 || line.starts_with("  keel ")) << line;
}

TEST(CommandTable, HasEachNameOnce)
{
    std::set<std::string_view> names;
    for (const Command& command : commands()) {
        EXPECT_TRUE(names.insert(command.name).second) << command.name;
        std::set<std::string_view> options;
        std::set<char> letters;
        for (const auto list : {command.options, common_options()})
            for (const Option& option : list) {
                EXPECT_TRUE(options.insert(option.flag).second) << option.flag;
                EXPECT_TRUE(option.letter == 0 || letters.insert(option.letter).second);
            }
    }
}

TEST(Hanging, BreaksBetweenWordsAndHangsBelowTheFirst)
{
    EXPECT_EQ(hanging("ab  ", "cd ef gh", 9), "ab  cd ef\n    gh\n");
    EXPECT_EQ(hanging("", "abcdefgh ij", 4), "abcdefgh\nij\n");
    EXPECT_EQ(hanging("é ", "ü\nö", 5), "é ü ö\n");
    EXPECT_EQ(filled("a\nb\n\n  c\n  d\n", 10), "a b\n\n  c\n  d\n");
}

TEST(StatusTable, StaysWithinTheTerminal)
{
    for (const std::size_t width : {60U, 80U, 120U}) {
        std::istringstream lines(status_table(some_units(), now, {Colour::off, width}));
        for (std::string line; std::getline(lines, line);)
            EXPECT_LE(width_of(line), width) << line;
    }
}

TEST_F(GoldenTest, WatchPage)
{
    WatchPage page{some_units(), now, now, {}};
    std::string text;
    const auto add = [&](std::string_view title, WindowSize window) {
        const auto lines = lines_of(page, window, Colour::off);
        EXPECT_LE(lines.size(), window.rows) << title;
        text += fmt::format("==== {}\n{}\n", title, fmt::join(lines, "\n"));
    };
    add("all of it", {24, 80});
    add("not all of it: what is not well first", {9, 80});
    add("hardly anything", {3, 80});
    page.as_of = now - 3s;
    page.trouble = "keeld is not running: nobody listens on /run/keel/control.sock";
    add("trouble", {24, 80});
    page = {{}, now, now, {}};
    add("no units", {24, 80});
    test::expect_golden("tests/golden/cli-watch.txt", text);
}

TEST(LiveScreen, DrawsOverWhatIsThereAndClearsNothingBefore)
{
    EXPECT_EQ(frame_of({"ab", "abcd", "abcdef"}, {5, 4}),
              "\x1b[?2026h\x1b[Hab\x1b[K\r\nabcd\r\nabc…\r\n\x1b[J\x1b[?2026l");
    EXPECT_EQ(frame_of({"a", "b", "c"}, {2, 4}), "\x1b[?2026h\x1b[Ha\x1b[K\r\nb\x1b[K\x1b[?2026l");
}

TEST(Table, LetsNoControlCharacterThrough)
{
    Table table({{"A"}, {"B"}});
    table.add({{"x\x1b[31m"}, {"y\n"}});
    const std::string text = table.text({});
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(std::ranges::count(text, '\n'), 2);
}

TEST(Cut, CountsCharactersAndNotBytes)
{
    EXPECT_EQ(cut("abcdef", 6), "abcdef");
    EXPECT_EQ(cut("abcdef", 4), "abc…");
    EXPECT_EQ(cut("äöüßäö", 4), "äöü…");
    EXPECT_EQ(width_of("äöü"), 3U);
    EXPECT_EQ(width_of("\x1b[31mäö\x1b[0m"), 2U);
    EXPECT_EQ(cut("\x1b[31mabc\x1b[0mdef", 6), "\x1b[31mabc\x1b[0mdef");
    EXPECT_EQ(cut("\x1b[31mabc\x1b[0mdef", 3), "\x1b[31mab…\x1b[0m");
}

TEST(Target, IsAUnitOrAnInstance)
{
    EXPECT_EQ(parse_target("worker"), (Target{"worker", {}}));
    EXPECT_EQ(parse_target("worker.3"), (Target{"worker", Slot{3}}));
    for (const char* text :
         {"", ".3", "worker.", "worker.x", "worker.0", "worker.70000", "worker.3.4", "worker.-1"})
        EXPECT_FALSE(parse_target(text).has_value()) << text;
    EXPECT_EQ(to_text(Target{"worker", Slot{3}}), "worker.3");
}

} // namespace
} // namespace keel::cli
