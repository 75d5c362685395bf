// Notifications as the journal keeps them.
#include "notify/notification.hpp"

#include <nlohmann/json.hpp>

namespace keel::notify {

using nlohmann::json;

std::string encode(const Kept& kept)
{
    const Notification& n = kept.what;
    const json record = {{"id", n.id},
                         {"occasion", name(n.occasion)},
                         {"unit", n.unit},
                         {"about", n.about},
                         {"at", n.at.time_since_epoch().count()},
                         {"text", n.text},
                         {"beside", n.beside},
                         {"like_it", n.like_it},
                         {"reminder", n.reminder},
                         {"its_unit", name(n.its_unit)},
                         {"since", kept.since.time_since_epoch().count()}};
    return record.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<Kept> decode(const std::string& text, WallTime otherwise)
{
    const auto wall = [](const json& count) {
        return WallTime{Duration{count.get<Duration::rep>()}};
    };
    try {
        const json record = json::parse(text);
        const auto occasion = from_name<units::Occasion>(record.at("occasion").get<std::string>());
        if (!occasion) return std::nullopt;
        Kept kept{{}, otherwise};
        Notification& n = kept.what;
        n.occasion = *occasion;
        n.id = record.at("id");
        n.unit = record.at("unit");
        n.about = record.at("about");
        n.at = wall(record.at("at"));
        n.text = record.at("text");
        record.at("beside").get_to(n.beside);
        n.like_it = record.at("like_it");
        n.reminder = record.at("reminder");
        // What earlier versions did not write.
        if (record.contains("since")) kept.since = wall(record.at("since"));
        n.its_unit = from_name<Notification::Unit>(record.value("its_unit", ""))
                         .value_or(Notification::Unit::unsaid);
        return kept;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

} // namespace keel::notify
