// Notifications as the journal keeps them.
#include "notify/notification.hpp"

#include <nlohmann/json.hpp>

namespace keel::notify {

using nlohmann::json;

std::string encode(const Notification& n)
{
    const json record = {{"id", n.id},
                         {"occasion", name(n.occasion)},
                         {"unit", n.unit},
                         {"about", n.about},
                         {"at", n.at.time_since_epoch().count()},
                         {"text", n.text},
                         {"beside", n.beside},
                         {"like_it", n.like_it},
                         {"reminder", n.reminder}};
    return record.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<Notification> decode(const std::string& text)
{
    try {
        const json record = json::parse(text);
        const auto occasion = from_name<units::Occasion>(record.at("occasion").get<std::string>());
        if (!occasion) return std::nullopt;
        Notification n;
        n.occasion = *occasion;
        n.id = record.at("id");
        n.unit = record.at("unit");
        n.about = record.at("about");
        n.at = WallTime{Duration{record.at("at").get<Duration::rep>()}};
        n.text = record.at("text");
        record.at("beside").get_to(n.beside);
        n.like_it = record.at("like_it");
        n.reminder = record.at("reminder");
        return n;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

} // namespace keel::notify
