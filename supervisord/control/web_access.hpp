// Who may look over TCP: a token, single-use links, and the sessions that links open.
//
// Promises: what it hands out is 128 bits of the kernel's randomness, in hex; every comparison
// takes as long for a wrong secret as for the right one; a link opens one session, once, within two
// minutes; links and sessions are limited in number, the oldest goes first. A pass is for looking:
// nothing over TCP changes anything, with or without one. It knows no sockets and prints nothing,
// and no secret of its own ever leaves it but to whom it is made for.
//
// Sessions outlive this process through `keep` (a new engine goes on with them), by a fingerprint
// only that does not open anything: who reads it cannot make a cookie of it.
#pragma once
#include "base/time.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace keel::control {

/// 32 hexadecimal digits that nobody can guess.
std::string random_secret();

/// Whether both are the same text, in a time that depends on the length of `given` alone.
bool same_secret(std::string_view given, std::string_view kept);

/// What `header` (of a Cookie) says of `name`; empty: nothing.
std::string_view cookie_named(std::string_view header, std::string_view name);

class WebAccess {
public:
    /// What tells of a session that it is to be kept until `expires`; none: no longer.
    using Keep = std::function<void(const std::string& id, std::optional<WallTime> expires)>;

    struct Options {
        std::string token = {};                    ///< empty: there is none
        Keep keep = {};                            ///< none: sessions end with this process
        std::map<std::string, WallTime> kept = {}; ///< of the process before
        std::function<std::string()> secret = random_secret;
    };

    explicit WebAccess(Options options);

    static constexpr Duration link_life = std::chrono::minutes(2);
    static constexpr Duration session_life = std::chrono::hours(12);
    static constexpr std::size_t links_max = 16;
    static constexpr std::size_t sessions_max = 64;

    /// The code of a new link.
    std::string new_link(Now now);

    /// Uses the link up. The new session's secret, for the cookie; none: there is no such link (any
    /// more).
    std::optional<std::string> use_link(std::string_view code, Now now);

    /// What a request shows: its Authorization header and what its cookie says.
    struct Shown {
        std::string_view authorization;
        std::string_view session;
    };
    /// By what somebody may look.
    struct Pass {
        std::string session; ///< as it is kept; empty: by the token
    };
    [[nodiscard]] std::optional<Pass> pass_of(const Shown& shown, Now now);

    /// When the session ends; none: it is over.
    [[nodiscard]] std::optional<WallTime> end_of(const std::string& session, Now now);
    /// Ends it now.
    void end(const std::string& session);

private:
    void forget_old_ones(Now now);
    [[nodiscard]] std::optional<std::string> session_of(std::string_view secret) const;

    Options options_;
    std::map<std::string, MonoTime> links_;    ///< until when they open something
    std::map<std::string, WallTime> sessions_; ///< by fingerprint
};

/// The SHA-256 of `text` in hex, by which a session is known.
std::string fingerprint_of(std::string_view text);

} // namespace keel::control
