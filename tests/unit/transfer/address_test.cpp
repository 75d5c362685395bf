#include "transfer/address.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keel::transfer {
namespace {

using testing::ElementsAre;
using testing::Optional;

TEST(HostPort, IsSplitAtTheLastColon)
{
    for (const auto& [text, host, port] : {std::tuple{"127.0.0.1:6379", "127.0.0.1", 6379},
                                           {"backbone:1", "backbone", 1},
                                           {"[::1]:65535", "::1", 65535},
                                           {"[fe80::1%eth0]:22", "fe80::1%eth0", 22}}) {
        const auto parts = split_host_port(text);
        ASSERT_TRUE(parts) << text;
        EXPECT_EQ(host, parts->host);
        EXPECT_EQ(port, parts->port);
    }
}

TEST(HostPort, IsRefusedWhereItIsNotComplete)
{
    for (const char* text : {"", ":", "host", "host:", ":80", "host:0", "host:65536", "host:8o",
                             "host:80 ", "::1:80", "[::1]", "[::1:80", "[]:80", "host:-1"})
        EXPECT_FALSE(split_host_port(text)) << text;
}

TEST(KnownAddresses, AreThoseThatNeedNoLookup)
{
    EXPECT_THAT(known_addresses("127.0.0.1"), Optional(ElementsAre("127.0.0.1")));
    EXPECT_THAT(known_addresses("2001:db8::7"), Optional(ElementsAre("2001:db8::7")));
    EXPECT_THAT(known_addresses("LocalHost"), Optional(ElementsAre("127.0.0.1", "::1")));
    EXPECT_FALSE(known_addresses("localhost.example"));
    EXPECT_FALSE(known_addresses("256.0.0.1"));
    EXPECT_FALSE(known_addresses(""));
}

TEST(SocketAddress, HoldsAddressAndPort)
{
    const auto v4 = socket_address("192.0.2.1", 80);
    ASSERT_TRUE(v4);
    EXPECT_EQ(AF_INET, v4->family());
    EXPECT_EQ(htons(80), reinterpret_cast<const sockaddr_in*>(v4->get())->sin_port);
    EXPECT_EQ("192.0.2.1", ip_text(v4->get(), v4->length));
    const auto v6 = socket_address("2001:db8::7", 443);
    ASSERT_TRUE(v6);
    EXPECT_EQ(AF_INET6, v6->family());
    EXPECT_EQ("2001:db8::7", ip_text(v6->get(), v6->length));
    EXPECT_FALSE(socket_address("a.name", 80));
}

} // namespace
} // namespace keel::transfer
