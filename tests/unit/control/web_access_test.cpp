#include "control/web_access.hpp"

#include <gmock/gmock.h>

namespace keel::control {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

Now at(Duration later) { return {MonoTime(1h + later), WallTime(10'000h + later)}; }

WebAccess::Options with_token(std::string token) { return {.token = std::move(token)}; }

bool may_look_by_cookie(WebAccess& access, const std::string& secret, Duration later)
{
    return access.pass_of({{}, secret}, at(later)).has_value();
}

TEST(Fingerprint, IsSha256)
{
    EXPECT_EQ(fingerprint_of("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(fingerprint_of(""),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(fingerprint_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Secrets, AreTheSameOnlyIfEveryCharacterIs)
{
    EXPECT_TRUE(same_secret("abcdef", "abcdef"));
    for (const char* given : {"", "abcde", "abcdeg", "bbcdef", "abcdefg", "abcdefabcdef"})
        EXPECT_FALSE(same_secret(given, "abcdef")) << given;
    EXPECT_FALSE(same_secret("", "")) << "no secret is no key";
}

TEST(Secrets, AreNeverTheSameTwice)
{
    EXPECT_THAT(random_secret(), SizeIs(32));
    EXPECT_NE(random_secret(), random_secret());
}

TEST(Cookies, AreFoundByTheirWholeName)
{
    EXPECT_EQ(cookie_named("a=1; keel_session=xyz; b=2", "keel_session"), "xyz");
    EXPECT_EQ(cookie_named("keel_session=xyz", "keel_session"), "xyz");
    for (const char* header : {"", ";;", "my_keel_session=xyz", "keel_session", "keel_sessions=x"})
        EXPECT_THAT(cookie_named(header, "keel_session"), IsEmpty()) << header;
}

TEST(WebAccess, IsGivenToTheTokenAlone)
{
    WebAccess access(with_token("a-token-of-many-characters"));
    const auto may = [&](std::string_view header) {
        return access.pass_of({header, {}}, at(0s)).has_value();
    };
    EXPECT_TRUE(may("Bearer a-token-of-many-characters"));
    for (const char* header : {"", "Bearer ", "Bearer a-token-of-many-character", "Basic Zm9v",
                               "a-token-of-many-characters"})
        EXPECT_FALSE(may(header)) << header;
    WebAccess without(with_token(""));
    EXPECT_FALSE(without.pass_of({"Bearer ", {}}, at(0s))) << "no token is set";
}

TEST(WebAccess, IsOpenedByALinkOnce)
{
    WebAccess access({});
    const std::string code = access.new_link(at(0s));
    const auto secret = access.use_link(code, at(119s));
    ASSERT_TRUE(secret.has_value());
    EXPECT_NE(*secret, code) << "who has seen the link has not seen the session";
    EXPECT_FALSE(access.use_link(code, at(119s)).has_value());
    EXPECT_TRUE(may_look_by_cookie(access, *secret, 119s));
    EXPECT_FALSE(may_look_by_cookie(access, code, 119s));
    EXPECT_FALSE(may_look_by_cookie(access, fingerprint_of(*secret), 119s))
        << "what is kept of a session must not open it";
}

TEST(WebAccess, IsNotOpenedByALinkThatIsTooOld)
{
    WebAccess access({});
    const std::string code = access.new_link(at(0s));
    EXPECT_FALSE(access.use_link(code, at(2min)).has_value());
}

TEST(WebAccess, EndsAfterTwelveHours)
{
    WebAccess access({});
    const auto secret = access.use_link(access.new_link(at(0s)), at(0s));
    EXPECT_TRUE(may_look_by_cookie(access, *secret, 12h - 1s));
    EXPECT_FALSE(may_look_by_cookie(access, *secret, 12h));
}

TEST(WebAccess, EndsWhenItIsToldTo)
{
    std::map<std::string, WallTime> kept;
    WebAccess access({.keep = [&](const std::string& id, std::optional<WallTime> expires) {
        expires ? static_cast<void>(kept[id] = *expires) : static_cast<void>(kept.erase(id));
    }});
    const auto mine = access.use_link(access.new_link(at(0s)), at(0s));
    const auto other = access.use_link(access.new_link(at(0s)), at(0s));
    const auto pass = access.pass_of({{}, *mine}, at(1s));
    ASSERT_TRUE(pass);
    EXPECT_EQ(access.end_of(pass->session, at(1s)), at(12h).wall);
    access.end(pass->session);
    EXPECT_FALSE(access.end_of(pass->session, at(1s)));
    EXPECT_FALSE(may_look_by_cookie(access, *mine, 1s));
    EXPECT_TRUE(may_look_by_cookie(access, *other, 1s));
    EXPECT_THAT(kept, SizeIs(1)) << "the next engine knows of the other one only";
}

TEST(WebAccess, LetsTheOldestLinksAndSessionsGo)
{
    WebAccess access({});
    const std::string first = access.new_link(at(0s));
    for (std::size_t i = 0; i < WebAccess::links_max; ++i)
        (void)access.new_link(at(1s));
    EXPECT_FALSE(access.use_link(first, at(1s)).has_value());

    WebAccess other({});
    const auto oldest = other.use_link(other.new_link(at(0s)), at(0s));
    std::string latest;
    for (std::size_t i = 0; i < WebAccess::sessions_max; ++i)
        latest = *other.use_link(other.new_link(at(1s)), at(1s));
    EXPECT_FALSE(may_look_by_cookie(other, *oldest, 1s));
    EXPECT_TRUE(may_look_by_cookie(other, latest, 1s));
}

TEST(WebAccess, GoesOnInTheNextEngineByFingerprintsAlone)
{
    std::map<std::string, WallTime> kept;
    const WebAccess::Keep keep = [&](const std::string& id, std::optional<WallTime> expires) {
        if (expires)
            kept[id] = *expires;
        else
            kept.erase(id);
    };
    WebAccess first({.keep = keep});
    const auto secret = first.use_link(first.new_link(at(0s)), at(0s));
    ASSERT_THAT(kept, SizeIs(1));
    EXPECT_NE(kept.begin()->first, *secret);

    WebAccess second({.keep = keep, .kept = kept});
    EXPECT_TRUE(may_look_by_cookie(second, *secret, 1h));
    EXPECT_FALSE(may_look_by_cookie(second, *secret, 13h));
    EXPECT_THAT(kept, IsEmpty()) << "what is over is not kept";
}

} // namespace
} // namespace keel::control
