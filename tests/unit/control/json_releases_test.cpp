// Documents about releases: what is read of them, and what of a request is refused.
#include "base/release_id.hpp"
#include "control/json_codec.hpp"
#include "tests/support/fake_supervisor.hpp"

#include <gmock/gmock.h>

namespace keel::control {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(JsonReleases, ReadsReleasesAsItWroteThem)
{
    core::ReleasesView view;
    view.known = {{"v2", test::morning(), 1500, true, true, false, 2},
                  {"v1", test::morning(), 0, false, false, true, 1}};
    view.denied = {{"v0", test::morning(), "roll: \"exit 1\""}};
    const std::string text = encode(view);
    EXPECT_THAT(text, HasSubstr(R"({"id":"v2","since":"2025-01-31T09:15:02.482Z","bytes":1500,)"
                                R"("current":true,"good":true,"rollback_target":false,)"
                                R"("instances":2})"));
    EXPECT_THAT(text, HasSubstr(R"("bytes":null,"current":false,"good":false,)"
                                R"("rollback_target":true,"instances":1})"));
    const auto read = decode_releases(text);
    ASSERT_TRUE(read.ok()) << read.error().text();
    EXPECT_EQ(encode(*read), text);
    EXPECT_FALSE(decode_releases(R"({"releases":[{"id":"v1","since":"today"}]})").ok());
}

TEST(JsonReleases, ReadsWhatADeploymentWouldDoAsItWroteIt)
{
    const core::DeployOutline outline{"v2 is denied", "v2", "v1", {"fetch", "commit"}};
    const std::string text = encode(outline);
    EXPECT_EQ(text, R"({"release":"v2","former":"v1","steps":["fetch","commit"],)"
                    R"("objection":"v2 is denied"})");
    EXPECT_EQ(encode(*decode_outline(text)), text);
    EXPECT_EQ(encode(core::DeployOutline{}),
              R"({"release":null,"former":null,"steps":[],"objection":null})");
}

TEST(JsonReleases, ReadsARequestAsItWroteIt)
{
    ChangeRequest change{"because", {}, {}, {"v2", "/srv/app \"2\".tar"}};
    change.trial = ChangeRequest::Trial::dry_run;
    const auto read = decode_change(encode(change));
    ASSERT_TRUE(read.ok()) << read.error().text();
    EXPECT_EQ(*read, change);
}

TEST(JsonReleases, RefusesARequestForWhatCanBeNoRelease)
{
    const auto refusal = [](const std::string& json) {
        const auto read = decode_change(json);
        return read.ok() ? "" : read.error().text();
    };
    for (const std::string id : {"..", "a/b", ".hidden", "-v", "a b", "v2.partial", "v2.sha256"})
        EXPECT_THAT(refusal(R"({"release":")" + id + "\"}"), HasSubstr("no ID of a release")) << id;
    EXPECT_EQ(refusal(R"({"release":")" + std::string(128, 'v') + "\"}"), "");
    EXPECT_NE(refusal(R"({"release":")" + std::string(129, 'v') + "\"}"), "");
    EXPECT_NE(refusal(R"({"release":7})"), "");
    EXPECT_THAT(refusal(R"({"file":"app.tar"})"), HasSubstr("not absolute"));
    EXPECT_THAT(refusal(R"({"file":"/a\nb.tar"})"), HasSubstr("control character"));
    EXPECT_EQ(refusal(R"({"file":"/)" + std::string(4094, 'a') + "\"}"), "");
    EXPECT_THAT(refusal(R"({"file":"/)" + std::string(4095, 'a') + "\"}"), HasSubstr("4095"));
    EXPECT_THAT(refusal(R"({"relase":"v2"})"), HasSubstr("did you mean `release`?"));
}

TEST(ReleaseId, IsWhatAFileIsCalledWithoutTheEndingOfAnArchive)
{
    for (const char* file : {"/srv/app-1.4.tar", "/srv/app-1.4.tar.gz", "/srv/app-1.4.tgz",
                             "/srv/app-1.4.tar.zst", "/srv/app-1.4.tar.xz", "/srv/app-1.4.tar.bz2",
                             "/srv/app-1.4", "/srv/app-1.4/", "app-1.4", "/srv.tar/app-1.4//"})
        EXPECT_EQ(release_called_as(file), "app-1.4") << file;
    for (const char* file : {"/", "", "/srv/.tar"})
        EXPECT_EQ(release_called_as(file), "") << file;
    EXPECT_EQ(release_called_as("/srv/app-1.4.zip"), "app-1.4.zip");
}

} // namespace
} // namespace keel::control
