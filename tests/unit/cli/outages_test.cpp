// How one outage is shown in full.
#include "cli/outages.hpp"

#include <gmock/gmock.h>

namespace keel::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

WallTime morning(Duration later = 0s)
{
    return WallTime(std::chrono::milliseconds(1738314902482)) + later;
}

/// It began in the morning and ended ten seconds later.
core::Incident ended()
{
    core::OutageView view;
    view.record.id = OutageId{7};
    view.record.unit = "api";
    view.record.opened.wall = morning();
    view.record.closed = Now{{}, morning(10s)};
    view.record.cause_text = "exit 1";
    view.record.detected_by = "exit";
    view.length = 10s;
    core::Incident incident;
    incident.outage = view;
    return incident;
}

std::string page_of(const core::Incident& incident) { return outage_page(incident, morning(1h)); }

TEST(OutagePages, SayWhenAnOutageEndedAndNothingOfWhatTheUnitDidThen)
{
    EXPECT_THAT(page_of(ended()), ContainsRegex("  ended   [0-9:.]+\n")) << "it may have been held";
    auto unseen = ended();
    unseen.outage->record.end = core::Outage::End::unseen;
    EXPECT_THAT(page_of(unseen), HasSubstr(", or later: Keel was away by then\n"));
    auto open = ended();
    open.outage->record.closed.reset();
    EXPECT_THAT(page_of(open), HasSubstr("  ended   not yet\n"));
}

TEST(OutagePages, ShowNothingThatSteersATerminal)
{
    auto incident = ended();
    const std::string evil = "\x1b[2J\nforged";
    core::Outage& record = incident.outage->record;
    record.unit = record.cause_text = record.detected_by = evil;
    record.actions = {{morning(), evil, evil, evil}};
    incident.cause = *incident.outage;
    incident.followers = {*incident.outage};
    const std::string page = page_of(incident);
    EXPECT_THAT(page, Not(HasSubstr("\x1b")));
    EXPECT_THAT(page, Not(HasSubstr("\nforged")));
}

} // namespace
} // namespace keel::cli
