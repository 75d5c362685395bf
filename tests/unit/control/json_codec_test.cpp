#include "control/json_codec.hpp"

#include "tests/support/fake_supervisor.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace keel::control {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using testing::HasSubstr;

/// A unit of which every member is set.
core::UnitView eventful_unit()
{
    core::UnitView unit = test::unit_up("worker", 2);
    unit.labels = {{"team", "panel"}};
    unit.since = test::morning();
    unit.held = core::Held{"root (uid 0)",
                           "gdb",
                           test::morning(),
                           Now{{}, test::morning(30min)},
                           core::Held::Process::left_running,
                           core::Held::Lasts::over_boots};
    unit.status = core::UnitStatus::degraded;
    unit.restarts = 12;
    unit.rung = name(units::Rung::retry);
    unit.operation =
        core::OperationView{OperationId{17}, core::Verb::restart, "ann (uid 1000)", "1 of 2"};
    core::OutageView outage;
    outage.record.id = OutageId{4};
    outage.record.unit = "worker";
    outage.record.opened.wall = test::morning(1s);
    outage.record.closed = Now{{}, test::morning(3s)};
    outage.record.planned = core::Outage::Planned::yes;
    outage.record.cause = core::OutageCause::liveness;
    outage.record.cause_text = "probe http: status 503";
    outage.record.detected_by = "probe";
    outage.record.caused_by = OutageId{3};
    outage.record.detection = 250ms;
    outage.record.actions = {{test::morning(2s), "start", "exit 1", "ready"}};
    outage.length = 2s;
    outage.settling = core::OutageView::Settling::yes;
    unit.outage = outage;
    unit.release = "v1";
    unit.release_good = core::UnitView::Good::yes;
    unit.deployment = core::DeploymentView{
        3,
        core::UnitDeployment::Kind::rollback,
        "v2",
        "v1",
        "ann (uid 1000)",
        test::morning(2s),
        {{"fetch", core::DeployStep::Status::done}, {"a \"b\"", core::DeployStep::Status::stuck}},
        "undoing fetch",
        "fetch: no room",
        12,
        500};
    auto& instance = unit.instances[1];
    instance.release = "v2";
    instance.state = "backoff";
    instance.pid.reset();
    instance.spawn.reset();
    instance.next_at = test::morning(5s);
    instance.restarts = 9;
    instance.last_start = {test::morning(4s), test::morning(5s)};
    unit.edges = {{"a"}, {"b", "c"}, {"d"}, {"e"}};
    instance.probes = {{"http", core::Verdict::fail, core::VerdictKind::status, 3ms, "status 503"},
                       {"tcp", {}, core::VerdictKind::none, {}, {}}};
    return unit;
}

TEST(JsonCodec, ReadsAUnitAsItWroteIt)
{
    const auto unit = eventful_unit();
    const auto read = decode_unit(encode(unit));
    ASSERT_TRUE(read.ok()) << read.error().text();
    // Encoding is total and without loss, so equal texts mean equal views.
    EXPECT_EQ(encode(*read), encode(unit));
    // A name that pointed into the text that was read would be gone by now.
    EXPECT_EQ(read->instances[1].state, core::state_names[6]);
}

TEST(JsonCodec, WritesAUnitAsTheContractHasIt)
{
    const Json json = Json::parse(encode(eventful_unit()));
    for (const char* member :
         {"name", "description", "wanted", "status", "ready", "wanted_instances", "restarts",
          "rung", "release", "release_good", "deployment", "changed_on_disk", "operation", "outage",
          "dependencies", "instances"})
        EXPECT_TRUE(json.contains(member)) << member;
    for (const char* member : {"name", "state", "reason", "pid", "spawn", "since", "next_at",
                               "started_at", "ready_at", "probes"})
        EXPECT_TRUE(json["instances"][0].contains(member)) << member;
    for (const char* member : {"name", "verdict", "kind", "latency_seconds", "detail"})
        EXPECT_TRUE(json["instances"][1]["probes"][0].contains(member)) << member;
    for (const char* member :
         {"id", "unit", "kind", "planned", "opened", "closed", "seconds", "detected_by", "cause",
          "caused_by", "detection_seconds", "recovery_seconds", "actions", "last_words"})
        EXPECT_TRUE(json["outage"].contains(member)) << member;
    EXPECT_EQ(json["release"], "v1");
    EXPECT_EQ(json["release_good"], true);
    EXPECT_EQ(json["deployment"]["steps"][1]["status"], "stuck");
    EXPECT_EQ(json["deployment"]["former"], "v1");
    EXPECT_EQ(json["deployment"]["total"], 500);
    EXPECT_EQ(json["instances"][1]["release"], "v2");
    EXPECT_TRUE(json["instances"][0]["release"].is_null());
    EXPECT_EQ(json["outage"]["opened"], "2025-01-31T09:15:03.482Z");
    EXPECT_EQ(json["outage"]["detection_seconds"], 0.25);
    EXPECT_TRUE(json["instances"][1]["pid"].is_null());
    EXPECT_TRUE(json["instances"][1]["probes"][1]["verdict"].is_null());
}

TEST(JsonCodec, LeavesOutOfABriefListWhatALineDoesNotNeed)
{
    auto well = test::unit_up("api");
    const std::string text = encode(std::vector{well, eventful_unit()}, Detail::brief);
    const Json json = Json::parse(text);
    EXPECT_FALSE(json["units"][0].contains("instances"));
    EXPECT_EQ(json["units"][1]["instances"].size(), 1U);
    const auto read = decode_units(text);
    ASSERT_TRUE(read.ok()) << read.error().text();
    EXPECT_EQ(read->at(0).status, core::UnitStatus::up);
    EXPECT_EQ(read->at(1).instances.at(0).name, "worker.2");
    EXPECT_EQ(number(read->at(1).operation->id), 17U);
}

TEST(JsonCodec, ReadsEveryOtherDocumentAsItWroteIt)
{
    const core::EventView event{7,          test::morning(), "worker",
                                "worker.2", "state",         "ready -> backoff"};
    EXPECT_EQ(encode(*decode_event(encode(event))), encode(event));
    const std::vector events{event, event};
    const EventList listed{events, 9, test::morning()};
    EXPECT_EQ(encode(*decode_events(encode(listed))), encode(listed));
    EXPECT_EQ(encode(*decode_events(encode(EventList{}))), encode(EventList{}));
    const core::WhyView why{eventful_unit(), events, {"it waits"}, {"it starts in 3 s"}};
    EXPECT_EQ(encode(*decode_why(encode(why))), encode(why));
    OutageList outages{{*eventful_unit().outage}, "the disk is on fire"};
    outages.outages.back().record.end = core::Outage::End::unseen;
    EXPECT_THAT(encode(outages), HasSubstr("\"uncertain\":true"));
    EXPECT_THAT(encode(outages), HasSubstr("\"last_words\":null"));
    EXPECT_EQ(encode(*decode_outages(encode(outages))), encode(outages));
    outages.outages.back().last_words =
        std::make_shared<const std::vector<std::string>>(std::vector<std::string>{"going", "\xff"});
    EXPECT_THAT(encode(outages), HasSubstr("\"last_words\":[\"going\",\""));
    EXPECT_EQ(encode(*decode_outages(encode(outages))), encode(outages));
    const OperationReport report{
        OperationId{9}, core::Verb::stop, "worker", Slot{2}, core::OperationResult::Outcome::failed,
        "exit 1"};
    EXPECT_EQ(encode(*decode_operation(encode(report))), encode(report));
    const Problem problem{409,    "urn:keel:problem:conflict", "In the way", "busy",
                          "wait", eventful_unit().operation};
    EXPECT_EQ(encode(*decode_problem(encode(problem))), encode(problem));
    const ChangeRequest change{"because", Slot{3}, {1500ms, core::Held::Process::left_running}};
    EXPECT_EQ(*decode_change(encode(change)), change);
    EXPECT_EQ(decode_version(encode(VersionInfo{"1.2.3", "v1"}))->version, "1.2.3");
}

TEST(JsonCodec, ReplacesBytesThatAreNotUtf8)
{
    auto unit = test::unit_up("worker");
    unit.instances[0].reason = "said \xff\xfe and \"quoted\" \n\x01";
    const auto read = decode_unit(encode(unit));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->instances[0].reason, "said \uFFFD\uFFFD and \"quoted\" \n\x01");
}

TEST(JsonCodec, TakesWhatANewerDaemonAdds)
{
    std::string text = encode(test::unit_up("worker"));
    text.insert(1, R"("colour":"blue","parts":[{}],)");
    text.replace(text.find("\"up\",\"since\""), 4, "\"flying\"");
    const auto read = decode_unit(text);
    ASSERT_TRUE(read.ok()) << read.error().text();
    EXPECT_EQ(read->name, "worker");
}

TEST(JsonCodec, NeverThrowsOnADocumentOfAnotherShape)
{
    for (const char* text :
         {"", "null", "7", "[]", "{", R"({"units":7})", R"({"units":[7]})", R"({"name":7})",
          R"({"name":"x","ready":-1})", R"({"name":"x","ready":70000})", R"({"ready":1.5})",
          R"({"instances":[{"since":"yesterday"}]})", R"({"outage":[]})", R"({"seconds":1e300})"}) {
        (void)decode_unit(text);
        (void)decode_units(text);
        (void)decode_why(text);
        (void)decode_event(text);
        (void)decode_outages(text);
        (void)decode_problem(text);
        (void)decode_operation(text);
        EXPECT_FALSE(decode_why(text).ok()) << text;
    }
    EXPECT_FALSE(decode_units(R"({"units":[7]})").ok());
    EXPECT_FALSE(decode_unit(std::string(200'000, '[')).ok());
}

TEST(ChangeRequest, IsReadStrictly)
{
    EXPECT_TRUE(decode_change("").ok());
    EXPECT_TRUE(decode_change(" \n").ok());
    EXPECT_EQ(decode_change(R"({"why":"x"})")->why, "x");
    EXPECT_THAT(decode_change(R"({"wyh":"x"})").error().text(), HasSubstr("did you mean `why`?"));
    EXPECT_FALSE(decode_change(R"({"instance":0})").ok());
    EXPECT_FALSE(decode_change(R"({"instance":65536})").ok());
    EXPECT_FALSE(decode_change(R"({"instance":"1"})").ok());
    EXPECT_FALSE(decode_change(R"({"seconds":0})").ok());
    EXPECT_FALSE(decode_change(R"({"seconds":-1})").ok());
    EXPECT_FALSE(decode_change(R"({"seconds":315360001})").ok());
    EXPECT_FALSE(decode_change(R"({"seconds":"30m"})").ok());
    EXPECT_FALSE(decode_change(R"({"process":"running"})").ok());
    EXPECT_FALSE(decode_change(R"({"process":true})").ok());
    EXPECT_FALSE(decode_change("[]").ok());
    EXPECT_FALSE(decode_change(R"({"why":")" + std::string(why_bytes_max + 1, 'x') + "\"}").ok());
}

TEST(Reasons, AreALineOfPlainText)
{
    EXPECT_EQ(decode_change(R"({"why":"Größe \"50 %\" \\ ticket 7"})")->why,
              "Größe \"50 %\" \\ ticket 7");
    const std::string longest(why_bytes_max, 'x');
    EXPECT_EQ(decode_change(R"({"why":")" + longest + "\"}")->why, longest);
    // A line break forges a line of the log; ESC and CSI (U+009B) steer the terminals of others.
    for (const char* why : {R"(a\nb)", R"(\u001b[2J)", R"(\u007f)", R"(\u009b2J)", R"(a\tb)"}) {
        const std::string body = R"({"why":")" + std::string(why) + "\"}";
        EXPECT_THAT(decode_change(body).error().text(), HasSubstr("no line of plain text")) << why;
        EXPECT_THAT(decode_apply(body).error().text(), HasSubstr("no line of plain text")) << why;
    }
}

TEST(Rfc3339, ReadsWhatItPrints)
{
    for (const WallTime at : {test::morning(), WallTime{}, test::morning(24h * 365 * 30)})
        EXPECT_EQ(parse_rfc3339(to_rfc3339(at)), at) << to_rfc3339(at);
    EXPECT_EQ(parse_rfc3339("2025-01-31T09:15:02Z"), test::morning(-482ms));
    EXPECT_EQ(parse_rfc3339("2025-01-31T09:15:02.482000001Z"), test::morning(1ns));
}

TEST(Rfc3339, RefusesEverythingElse)
{
    for (const char* text :
         {"", "2025-01-31", "2025-01-31T09:15:02", "2025-01-31T09:15:02+01:00",
          "2025-02-30T09:15:02Z", "2025-01-31T24:00:00Z", "2025-01-31T09:60:00Z",
          "2025-01-31T09:15:02.Z", "2025-01-31T09:15:02.0000000000Z", "2025-1-31T09:15:02Z",
          "9999-01-31T09:15:02Z", "2025-01-31T09:15:02Zz", "-025-01-31T09:15:02Z"})
        EXPECT_FALSE(parse_rfc3339(text).has_value()) << text;
}

TEST(JsonCodec, TakesTheDocumentsOfAnApplyThereAndBack)
{
    using IfItFails = ApplyRequest::IfItFails;
    for (const ApplyRequest& request :
         {ApplyRequest{}, ApplyRequest{IfItFails::stay, 12, "a drill"},
          ApplyRequest{IfItFails::revert, 0, ""}}) {
        const auto read = decode_apply(encode(request));
        ASSERT_TRUE(read) << encode(request);
        EXPECT_EQ(*read, request);
    }
    core::ApplyView view;
    view.outcome = core::ApplyView::Outcome::reverted;
    view.generation = 7;
    view.unit = "api";
    view.why = "exit 3";
    view.changes = {{"api", "restart"}, {"new", "added"}};
    const auto read = decode_apply_view(encode(view));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->outcome, view.outcome);
    EXPECT_EQ(read->generation, 7U);
    EXPECT_EQ(read->unit + read->why, "apiexit 3");
    EXPECT_EQ(read->changes, view.changes);
}

TEST(JsonCodec, IsStrictWithWhatAStrangerSaysOfAnApply)
{
    EXPECT_TRUE(decode_apply(""));
    for (const char* text :
         {"[]", "{", R"({"keeep":true})", R"({"keep":"yes"})", R"({"revert":0})",
          R"({"revert":-1})", R"({"revert":"last"})", R"({"why":5})", R"({"revert":1.5})"})
        EXPECT_FALSE(decode_apply(text)) << text;
}

TEST(JsonCodec, TellsTheProblemsOfAConfiguration)
{
    Problem problem{422, "urn:keel:problem:configuration", "no", "two problems", "", {}};
    problem.problems = {{"a.toml", 3, 1, "comand", "unknown", "did you mean `command`?"},
                        {"b.toml", 0, 0, "", "cannot be read", ""}};
    EXPECT_EQ(*decode_check_problems(encode(problem)), problem.problems);
    problem.problems.clear();
    EXPECT_TRUE(decode_check_problems(encode(problem))->empty());
}

} // namespace
} // namespace keel::control
