#include "tests/integration/probes/fixture.hpp"
#include "tests/integration/probes/server.hpp"

namespace keel::test {
namespace {

using TcpProbe = ProberTest;

TEST_F(TcpProbe, PassesWhenTheExpectedTextComesBack)
{
    const Server server([](Peer& peer) {
        EXPECT_EQ("PING\r\n", peer.read_some());
        peer.write("+PONG\r\n");
        peer.hold();
    });
    EXPECT_TRUE(is(probe(units::TcpTarget{server.address(), "PING\r\n", "+PONG"}), Verdict::pass,
                   VerdictKind::none, "+PONG in "));
}

} // namespace
} // namespace keel::test
