// Attempts of probes, from the engine's side.
#include "tests/unit/engine/engine_fixture.hpp"

namespace keel::engine {
namespace {

using namespace std::chrono_literals;

using Probes = EngineFixture;

TEST_F(Probes, OfAnEarlierSpawnAreCancelledWhenItsEndIsToldLaterThanItsEmptyTree)
{
    units::ProbeSpec probe;
    probe.name = "p";
    probe.target = units::TcpTarget{"a", {}, {}};
    probe.timeout = 5s;
    specs_[0].probes = {probe};
    specs_[0].ready = units::ReadyBy::probe;
    specs_[0].start.timeout = 1s;
    specs_[0].stop.timeout = 1s;
    fate_.term = sim::Fate::Term::ignores;
    probe_fate_ = {{core::Verdict::fail, core::VerdictKind::timeout, 5s, "no answer"}, 5s};
    kernel_.shuffles = 1;
    kernel_.report_latency = 1s;
    start();
    // FakeProber throws at two attempts of one probe in flight at once.
    EXPECT_NO_THROW(run(5min));
}

} // namespace
} // namespace keel::engine
