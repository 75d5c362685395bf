#include "people.hpp"

#include "base/host_name.hpp"
#include "control/json_codec.hpp"
#include "engine/configuration.hpp"
#include "engine/log.hpp"
#include "engine/spawn_plan.hpp"
#include "history.hpp"
#include "units/credentials.hpp"
#include "units/token_file.hpp"

#include <fmt/format.h>

namespace keel {
namespace {

void warn(const std::string& text) { log::write(log::Level::warn, text); }

notify::NotifierOptions notifier_options(std::function<SpawnId()> take_spawn_id)
{
    notify::NotifierOptions options;
    options.host = host_name();
    options.environment = engine::login_environment(engine::own_identity());
    options.take_spawn_id = std::move(take_spawn_id);
    options.tell = warn;
    return options;
}

} // namespace

std::optional<gid_t> group_named(const std::string& name)
{
    if (name.empty()) return std::nullopt;
    if (auto found = units::resolve_credentials({{}, name})) return found->gid;
    warn(fmt::format("keel.toml names the group `{}`, which does not exist", name));
    return std::nullopt;
}

control::WebAccess::Options web_access_options(const units::DaemonSpec& spec,
                                               ports::StateJournal& journal)
{
    constexpr std::string_view prefix = "web-session/";
    control::WebAccess::Options options;
    if (!spec.token_file.empty()) {
        auto token = units::read_token(spec.token_file);
        if (const auto* mistake = std::get_if<units::Mistake>(&token))
            warn(fmt::format("no token opens anything: {} {} ({})", spec.token_file,
                             mistake->message, mistake->hint));
        else
            options.token = std::get<std::string>(std::move(token));
    }
    for (const auto& [key, until] : journal.recovered())
        if (key.starts_with(prefix))
            if (const auto expires = control::parse_rfc3339(until))
                options.kept[key.substr(prefix.size())] = *expires;
    options.keep = [&journal, prefix](const std::string& id, std::optional<WallTime> expires) {
        const std::string key = std::string(prefix) + id;
        expires ? journal.put(key, to_rfc3339(*expires)) : journal.erase(key);
    };
    return options;
}

PeopleTold::PeopleTold(ports::Loop& loop, ports::Spawner& spawner,
                       std::function<SpawnId()> take_spawn_id, const sys::Paths& paths)
    : kept(kept_within_boot(paths.run / "notifications.journal"),
           kept_over_boots(paths.lib / "notifications", "what is told and to be told")),
      notifier(loop, spawner, kept, notifier_options(std::move(take_spawn_id)))
{}

} // namespace keel
