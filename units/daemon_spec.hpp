// What keel.toml says about keeld itself, after defaults: plain values, no behaviour.
//
// Meanings and ranges are the schema's (units/daemon_schema.cpp). What it says about units, its
// [defaults], is no part of this: that is laid under every unit file (daemon_file.hpp).
#pragma once
#include "base/enum_names.hpp"
#include "units/spec.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace keel::units {

enum class LogLevel : std::uint8_t { debug, info, warn, error, off };

/// The storm brake: restarts of the whole host that are not the first in a row.
struct StormSpec {
    std::uint32_t starts_per_second = 50; ///< 0: off
    std::uint32_t burst = 200;
};

/// What a channel can be told of.
enum class Occasion : std::uint8_t {
    attempt_failed, ///< each failure that is charged to the budget
    outage_opened,
    gave_up,
    recovered,
    held,
    climbed, ///< the ladder, by a rung
    deployed ///< the ladder has deployed something, or what somebody deployed was undone
};

enum class ChannelKind : std::uint8_t { webhook, exec };
enum class WebhookBody : std::uint8_t { json, slack, alertmanager };

/// Where people are told of outages: a unit names it in `notify`.
struct ChannelSpec {
    ChannelKind kind = ChannelKind::webhook;
    std::vector<std::string> command; ///< of an exec; {unit} is what the news is about
    std::string target;               ///< of a webhook: URL; empty: it stands in `target_file`
    std::string target_file;          ///< for a URL that is a secret itself
    std::string token_file;           ///< sent as bearer token; empty: none
    WebhookBody body = WebhookBody::json;
    std::vector<Occasion> events = {Occasion::outage_opened, Occasion::gave_up, Occasion::recovered,
                                    Occasion::held, Occasion::deployed};
    Duration timeout = std::chrono::seconds(10); ///< of one try
    Duration quiet = std::chrono::minutes(5);    ///< of one unit and event, one in this span
    Duration remind = std::chrono::hours(1);     ///< of an outage that stays open; 0: never

    friend bool operator==(const ChannelSpec&, const ChannelSpec&) = default;
};
using Channels = std::map<std::string, ChannelSpec>;

/// How much history is kept, whichever bound is met first.
struct LedgerSpec {
    Duration keep = std::chrono::hours(24 * 400);
    std::uint64_t max_size = std::uint64_t{1} << 30; ///< bytes
};

/// Certificate and key of the port for pages; both or none.
struct TlsSpec {
    std::string certificate; ///< a file; empty: the port speaks plain HTTP
    std::string key;
    [[nodiscard]] bool is_on() const { return !certificate.empty(); }
};

struct DaemonSpec {
    std::string http_listen = "127.0.0.1:9632"; ///< or `off`
    TlsSpec tls;
    std::string token_file;      ///< empty: there is no token
    std::string operators_group; ///< empty: nobody but root and keeld's own user
    std::string readers_group;
    LogLevel log_level = LogLevel::info;
    StormSpec storm;
    LedgerSpec ledger;
    NamedHooks hooks; ///< also those that have a problem, as far as they are usable
    Channels channels;
};

} // namespace keel::units

namespace keel {
template <>
inline constexpr std::array names_of<units::LogLevel> =
    std::to_array<std::string_view>({"debug", "info", "warn", "error", "off"});
template <>
inline constexpr std::array names_of<units::Occasion> = std::to_array<std::string_view>(
    {"attempt-failed", "outage-opened", "gave-up", "recovered", "held", "climbed", "deployed"});
template <>
inline constexpr std::array
    names_of<units::ChannelKind> = std::to_array<std::string_view>({"webhook", "exec"});
template <>
inline constexpr std::array names_of<units::WebhookBody> =
    std::to_array<std::string_view>({"json", "slack", "alertmanager"});
} // namespace keel
