// keel releases: what is there of a unit to run, and what may not come back.
#include "cli/releases.hpp"

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/words.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::cli {
namespace {

const Duration patience = std::chrono::seconds(10);

const core::DeniedRelease* denied_in(const core::ReleasesView& releases, std::string_view id)
{
    const auto found = std::ranges::find(releases.denied, id, &core::DeniedRelease::id);
    return found == releases.denied.end() ? nullptr : &*found;
}

/// To the second, which leaves room for the state.
std::string since(WallTime at, WallTime now)
{
    const std::string time = local_time(at, now);
    return time.substr(0, time.rfind('.'));
}

/// `current, good`, `good (a rollback leads here)`, `denied: exit 1`
std::string standing_of(const core::ReleasesView::Entry& release, const core::DeniedRelease* denied)
{
    std::string text;
    const auto add = [&](const std::string& words) { text += (text.empty() ? "" : ", ") + words; };
    if (release.is_current) add("current");
    if (release.is_good) add(release.is_target ? "good (a rollback leads here)" : "good");
    if (!release.is_current && release.instances > 0)
        add(fmt::format("{} instance{} on it", release.instances,
                        release.instances == 1 ? "" : "s"));
    if (denied != nullptr) add("denied: " + denied->why);
    return text;
}

Tone tone_of(const core::ReleasesView::Entry& release, const core::DeniedRelease* denied)
{
    if (denied != nullptr) return Tone::warning;
    return release.is_current ? Tone::good : Tone::plain;
}

} // namespace

std::string releases_table(const std::string& unit, const core::ReleasesView& releases,
                           WallTime now, const Screen& screen)
{
    if (releases.known.empty() && releases.denied.empty())
        return fmt::format("{} has no release: none was deployed yet, or its file has no "
                           "[deploy].\n",
                           unit);
    using Align = Table::Align;
    Table table({{"RELEASE"}, {"SINCE"}, {"SIZE", Align::right}, {"STATE"}});
    for (const auto& release : releases.known) {
        const auto* denied = denied_in(releases, release.id);
        table.add({{release.id, Tone::strong},
                   {since(release.since, now)},
                   {release.bytes > 0 ? human_size(release.bytes) : ""},
                   {standing_of(release, denied), tone_of(release, denied)}});
    }
    // What is denied may be gone from the disk; the one that was denied last comes first.
    for (auto denied = releases.denied.rbegin(); denied != releases.denied.rend(); ++denied)
        if (std::ranges::find(releases.known, denied->id, &core::ReleasesView::Entry::id) ==
            releases.known.end())
            table.add({{denied->id, Tone::strong},
                       {since(denied->since, now)},
                       {""},
                       {"denied: " + denied->why, Tone::warning}});
    return table.text(screen);
}

Exit releases(const Context& context, const std::string& unit)
{
    const auto body = control::get(context.socket_path,
                                   fmt::format("/v1/units/{}/releases", control::url_encoded(unit)),
                                   control::deadline_in(patience));
    if (const auto* trouble = control::trouble_of(body)) return give_up(*trouble);
    const std::string& json = std::get<std::string>(body);
    if (context.as_json()) return print(json + "\n") ? Exit::done : Exit::failed;
    const auto list = control::decode_releases(json);
    if (!list) return give_up({control::Trouble::Kind::garbled, list.error().text(), {}});
    print(releases_table(unit, *list, wall_now(), context.screen));
    return Exit::done;
}

} // namespace keel::cli
