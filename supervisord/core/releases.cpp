#include "core/releases.hpp"

#include <algorithm>
#include <utility>

namespace keel::core {
namespace {

template <class List> auto find_in(List& list, std::string_view id)
{
    return std::find_if(list.begin(), list.end(), [&](const auto& each) { return each.id == id; });
}

} // namespace

const Release* find_release(const Releases& releases, std::string_view id)
{
    const auto found = find_in(releases.known, id);
    return found == releases.known.end() ? nullptr : &*found;
}

const DeniedRelease* find_denied(const Releases& releases, std::string_view id)
{
    const auto found = find_in(releases.denied, id);
    return found == releases.denied.end() ? nullptr : &*found;
}

bool is_current_good(const Releases& releases)
{
    const Release* current = find_release(releases, releases.current);
    return current != nullptr && current->good == Release::Good::yes;
}

std::optional<std::string> last_good(const Releases& releases)
{
    for (auto it = releases.known.rbegin(); it != releases.known.rend(); ++it)
        if (it->good == Release::Good::yes && it->id != releases.current &&
            find_denied(releases, it->id) == nullptr)
            return it->id;
    return std::nullopt;
}

void add_known(Releases& releases, std::string_view id, WallTime now, std::uint64_t bytes)
{
    const auto found = find_in(releases.known, id);
    if (found != releases.known.end()) {
        if (bytes > 0) found->bytes = bytes;
        return;
    }
    // Before the current one, which it has not taken the place of.
    const auto place = find_in(releases.known, releases.current);
    releases.known.insert(place, {std::string(id), now, bytes});
}

void make_current(Releases& releases, std::string_view id, Now now)
{
    add_known(releases, id, now.wall, 0);
    const auto found = find_in(releases.known, id);
    std::rotate(found, found + 1, releases.known.end());
    releases.current = id;
    releases.current_since = now.mono;
}

void deny(Releases& releases, std::string_view id, WallTime now, std::string why)
{
    std::erase_if(releases.denied, [&](const DeniedRelease& each) { return each.id == id; });
    if (releases.denied.size() >= Releases::denied_max)
        releases.denied.erase(releases.denied.begin());
    releases.denied.push_back({std::string(id), now, std::move(why)});
}

void forget_release(Releases& releases, std::string_view id)
{
    std::erase_if(releases.known, [&](const Release& each) { return each.id == id; });
}

std::vector<std::string> surplus_releases(const Releases& releases, std::uint32_t keep,
                                          const std::vector<std::string>& in_use)
{
    std::vector<std::string> surplus;
    const auto good = last_good(releases);
    const std::size_t count = releases.known.size();
    for (std::size_t i = 0; i + keep < count; ++i) {
        const std::string& id = releases.known[i].id;
        const bool is_used = std::find(in_use.begin(), in_use.end(), id) != in_use.end();
        if (id != releases.current && id != good && !is_used) surplus.push_back(id);
    }
    return surplus;
}

} // namespace keel::core
