#include "control/web_access.hpp"

#include "base/ensure.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/random.h>

namespace keel::control {
namespace {

template <class Bytes> std::string to_hex(const Bytes& bytes)
{
    std::string text;
    for (const std::uint8_t byte : bytes)
        text += fmt::format("{:02x}", byte);
    return text;
}

/// Takes away one of the earliest end, so that there is room for another.
template <class Map, class Forget> void make_room(Map& map, std::size_t most, const Forget& forget)
{
    while (map.size() >= most) {
        const auto oldest =
            std::ranges::min_element(map, {}, [](const auto& entry) { return entry.second; });
        forget(oldest->first);
        map.erase(oldest);
    }
}

} // namespace

std::string random_secret()
{
    std::array<std::uint8_t, 16> bytes{};
    const auto got = ::getrandom(bytes.data(), bytes.size(), 0);
    ENSURE(got == static_cast<ssize_t>(bytes.size()), "the kernel gives sixteen bytes whole");
    return to_hex(bytes);
}

std::string fingerprint_of(std::string_view text)
{
    std::array<std::uint8_t, 32> digest{};
    const int made =
        ::EVP_Digest(text.data(), text.size(), digest.data(), nullptr, ::EVP_sha256(), nullptr);
    ENSURE(made == 1, "SHA-256 is always there");
    return to_hex(digest);
}

bool same_secret(std::string_view given, std::string_view kept)
{
    if (kept.empty()) return false;
    std::size_t differences = given.size() ^ kept.size();
    for (std::size_t i = 0; i < given.size(); ++i)
        differences |=
            static_cast<std::size_t>(static_cast<unsigned char>(given[i] ^ kept[i % kept.size()]));
    return differences == 0;
}

std::string_view cookie_named(std::string_view header, std::string_view name)
{
    while (!header.empty()) {
        const auto end = header.find(';');
        std::string_view pair = header.substr(0, end);
        header.remove_prefix(end == std::string_view::npos ? header.size() : end + 1);
        pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
        if (pair.starts_with(name) && pair.substr(name.size()).starts_with('='))
            return pair.substr(name.size() + 1);
    }
    return {};
}

WebAccess::WebAccess(Options options) : options_(std::move(options)), sessions_(options_.kept)
{
    if (!options_.keep) options_.keep = [](const auto&, const auto&) {};
}

std::string WebAccess::new_link(Now now)
{
    forget_old_ones(now);
    make_room(links_, links_max, [](const auto&) {});
    std::string code = options_.secret();
    links_[code] = now.mono + link_life;
    return code;
}

std::optional<std::string> WebAccess::use_link(std::string_view code, Now now)
{
    forget_old_ones(now);
    auto used = links_.end();
    for (auto link = links_.begin(); link != links_.end(); ++link)
        if (same_secret(code, link->first)) used = link;
    if (used == links_.end()) return std::nullopt;
    links_.erase(used);

    make_room(sessions_, sessions_max,
              [this](const std::string& id) { options_.keep(id, std::nullopt); });
    std::string secret = options_.secret();
    const std::string id = fingerprint_of(secret);
    const WallTime expires = now.wall + session_life;
    sessions_[id] = expires;
    options_.keep(id, expires);
    return secret;
}

std::optional<WebAccess::Pass> WebAccess::pass_of(const Shown& shown, Now now)
{
    constexpr std::string_view bearer = "Bearer ";
    if (shown.authorization.starts_with(bearer)) {
        if (!same_secret(shown.authorization.substr(bearer.size()), options_.token))
            return std::nullopt;
        return Pass{};
    }
    forget_old_ones(now);
    if (shown.session.empty()) return std::nullopt;
    const auto session = session_of(shown.session);
    if (!session) return std::nullopt;
    return Pass{*session};
}

std::optional<WallTime> WebAccess::end_of(const std::string& session, Now now)
{
    forget_old_ones(now);
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) return std::nullopt;
    return found->second;
}

void WebAccess::end(const std::string& session)
{
    if (sessions_.erase(session) > 0) options_.keep(session, std::nullopt);
}

/// By what comes out of the hash, which a stranger cannot steer, so that how far a comparison gets
/// tells him nothing; and then in constant time all the same.
std::optional<std::string> WebAccess::session_of(std::string_view secret) const
{
    std::string id = fingerprint_of(secret);
    bool found = false;
    for (const auto& [known, expires] : sessions_)
        found |= same_secret(id, known);
    if (!found) return std::nullopt;
    return id;
}

/// A clock that was set back does not prolong a session beyond its whole life from now.
void WebAccess::forget_old_ones(Now now)
{
    std::erase_if(links_, [&](const auto& link) { return link.second <= now.mono; });
    std::erase_if(sessions_, [&](const auto& session) {
        const bool is_over = session.second <= now.wall || session.second > now.wall + session_life;
        if (is_over) options_.keep(session.first, std::nullopt);
        return is_over;
    });
}

} // namespace keel::control
