// What a record says of its cause, for each thing that can go wrong: in words, by what it is
// counted under, who detected it, and whose last words belong to it.
#include "machines.hpp"

#include <cerrno>
#include <csignal>
#include <gmock/gmock.h>

namespace keel::core {
namespace {

struct Case {
    std::string name;
    std::function<void(OneUnit&)> happens; ///< to a unit that is ready
    OutageCause cause;
    std::string text;
    std::string detected_by;
    Duration detection{0};
    std::optional<Slot> instance = Slot{1};
    std::function<void(units::UnitSpec&)> spec = [](units::UnitSpec&) {};
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

class OutageCauses : public testing::TestWithParam<Case> {};

void ends(OneUnit& u, ExitStatus status)
{
    u.apply(1, ProcessExited{u.spawn(1), status, TreeState::empty});
}

ProbeAnswer fails_with(VerdictKind kind, std::string detail)
{
    return {Verdict::fail, kind, 1ms, std::move(detail)};
}

/// Every attempt from now on is answered so, until the outage opens.
void is_answered(OneUnit& u, const ProbeAnswer& answer)
{
    for (int i = 0; i < 100 && u.outage() == nullptr; ++i) {
        const ProbeHealth& health = u.instance(1).probes.at(0);
        if (health.answer_by)
            u.apply(1, ProbeAnswered{u.spawn(1), 0, health.attempt, answer});
        else
            u.tick();
    }
}

std::function<void(OneUnit&)> by_probe(VerdictKind kind, std::string detail)
{
    return [=](OneUnit& u) { is_answered(u, fails_with(kind, detail)); };
}

std::function<void(units::UnitSpec&)> probed(std::string name, units::ProbeRoles role)
{
    return [=](units::UnitSpec& spec) {
        spec.probes = {probe_named(name)};
        spec.probes[0].role = role;
        spec.ready = units::ReadyBy::exec;
    };
}
constexpr units::ProbeRoles liveness{false, false, true};
constexpr units::ProbeRoles readiness{false, true, false};

/// It crashes, and what replaces it cannot be set up: the second unit's outage is of that.
void cannot_be_spawned(OneUnit& u, SetupStage stage, int error, std::string what = {})
{
    ends(u, exit_code(1));
    u.it.outage = {};
    u.it.sign.reset();
    u.apply(1, SpawnFailed{u.spawn(1), stage, error, std::move(what)});
}

std::vector<Case> cases()
{
    using enum VerdictKind;
    return {
        {"exit", [](OneUnit& u) { ends(u, exit_code(1)); }, OutageCause::exit, "exit 1", "exit"},
        {"signal", [](OneUnit& u) { ends(u, by_signal(SIGTERM)); }, OutageCause::signal, "SIGTERM",
         "exit"},
        {"core",
         [](OneUnit& u) {
             ends(u, {ExitStatus::Kind::signal, SIGSEGV, true});
         },
         OutageCause::signal, "SIGSEGV (core dumped)", "exit"},
        {"oom", [](OneUnit& u) { ends(u, by_oom()); }, OutageCause::oom, "OOM-killed", "exit"},
        {"lost",
         [](OneUnit& u) {
             ends(u, {ExitStatus::Kind::unknown, 0, false});
         },
         OutageCause::lost, "ended unseen", "exit"},
        {"http", by_probe(status, "status 503"), OutageCause::readiness, "probe http: status 503",
         "probe", 2s, 1, probed("http", readiness)},
        {"body", by_probe(body, "the body does not match `ok`"), OutageCause::readiness,
         "probe http: the body does not match `ok`", "probe", 2s, 1, probed("http", readiness)},
        {"tls", by_probe(tls, "certificate has expired"), OutageCause::readiness,
         "probe http: certificate has expired", "probe", 2s, 1, probed("http", readiness)},
        {"tcp", by_probe(refused, "Connection refused"), OutageCause::liveness,
         "probe tcp: Connection refused", "probe", 2s, 1, probed("tcp", liveness)},
        {"reset", by_probe(reset, "reset"), OutageCause::liveness, "probe tcp: reset", "probe", 2s,
         1, probed("tcp", liveness)},
        {"timeout", by_probe(timeout, "no answer within 500ms"), OutageCause::liveness,
         "probe tcp: no answer within 500ms", "probe", 2s, 1, probed("tcp", liveness)},
        {"exec", by_probe(exit, "exit 3"), OutageCause::liveness, "probe exec: exit 3", "probe", 2s,
         1, probed("exec", liveness)},
        {"watchdog", [](OneUnit& u) { u.live_through(20s); }, OutageCause::watchdog,
         "watchdog: no WATCHDOG=1 for 10s", "watchdog", 10s, 1,
         [](units::UnitSpec& spec) { spec.watchdog = 10s; }},
        {"program", [](OneUnit& u) { cannot_be_spawned(u, SetupStage::exec, ENOENT); },
         OutageCause::spawn, "exec: No such file or directory", "spawn"},
        {"folder", [](OneUnit& u) { cannot_be_spawned(u, SetupStage::directory, EACCES); },
         OutageCause::spawn, "directory: Permission denied", "spawn"},
        {"user", [](OneUnit& u) { cannot_be_spawned(u, SetupStage::user, 0, "no user `bob`"); },
         OutageCause::spawn, "user: no user `bob`", "spawn"},
        {"dependency",
         [](OneUnit& u) {
             u.in.gone = "network-backbone";
             u.apply(UnitGateChanged{});
         },
         OutageCause::dependency, "dependency network-backbone", "dependency", 0s, std::nullopt},
        {"operation", [](OneUnit& u) { u.asks(Verb::restart); }, OutageCause::operation,
         "restart by ann", "operation", 0s, std::nullopt},
    };
}

TEST_P(OutageCauses, AreToldInWordsCountedAndKnowWhoseLastWordsBelongToThem)
{
    const Case& c = GetParam();
    OneUnit u;
    c.spec(u.spec);
    u.it = make_unit(u.spec);
    u.start();
    u.pass(1h);
    c.happens(u);
    ASSERT_NE(u.outage(), nullptr);
    EXPECT_EQ(u.outage()->cause_text, c.text);
    EXPECT_EQ(u.outage()->cause, c.cause);
    EXPECT_EQ(u.outage()->detected_by, c.detected_by);
    EXPECT_EQ(u.outage()->detection, c.detection);
    EXPECT_EQ(u.outage()->instance, c.instance);
}

INSTANTIATE_TEST_SUITE_P(OfEachKind, OutageCauses, testing::ValuesIn(cases()),
                         [](const auto& of) { return of.param.name; });

TEST(OutageCause, OfAFirstStartThatTakesTooLongHasTheInstanceThatIsLate)
{
    OneUnit u(3, 3);
    u.spec.ready = units::ReadyBy::notify;
    u.it = make_unit(u.spec);
    u.start();
    u.apply(1, Notified{u.spawn(1), parse_notice("READY=1")});
    u.in.now.mono += u.spec.start.timeout;
    u.apply(UnitGateChanged{});
    ASSERT_NE(u.outage(), nullptr);
    EXPECT_EQ(u.outage()->instance, Slot{2});
}

TEST(OutageCause, OfTheLastOfSeveralToFailIsThatOnesOwn)
{
    OneUnit u(3, 2);
    u.start();
    u.pass(1h);
    u.exits(1);
    EXPECT_EQ(u.outage(), nullptr);
    ASSERT_NE(open_outage(u.it.degradation), nullptr);
    EXPECT_EQ(open_outage(u.it.degradation)->instance, Slot{1});
    u.exits(3);
    ASSERT_NE(u.outage(), nullptr);
    EXPECT_EQ(u.outage()->instance, Slot{3});
}

} // namespace
} // namespace keel::core
