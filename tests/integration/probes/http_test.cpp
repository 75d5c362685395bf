#include "tests/integration/probes/fixture.hpp"
#include "tests/integration/probes/server.hpp"

namespace keel::test {
namespace {

units::HttpTarget http(const std::string& url)
{
    units::HttpTarget target;
    target.url = url;
    return target;
}

using HttpProbe = ProberTest;

TEST_F(HttpProbe, PassesAtAGoodStatus)
{
    const Server server(answering(http_answer("200 OK", "fine")));
    EXPECT_TRUE(is(probe(http(server.url())), Verdict::pass, VerdictKind::none, "200 in "));
}

TEST_F(HttpProbe, FailsAtABadStatus)
{
    const Server server(answering(http_answer("503 Service Unavailable", "no backbone")));
    EXPECT_TRUE(is(probe(http(server.url())), Verdict::fail, VerdictKind::status, "status 503"));
}

} // namespace
} // namespace keel::test
