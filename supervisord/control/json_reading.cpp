#include "control/json_reading.hpp"

#include "base/text.hpp"
#include "control/json_codec.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace keel::control {

const Json& member(const Json& object, const char* key)
{
    static const Json null;
    if (!object.is_object()) throw Unexpected(fmt::format("an object with `{}` is missing", key));
    const auto found = object.find(key);
    return found == object.end() ? null : *found;
}

bool is_absent(const Json& object, const char* key) { return member(object, key).is_null(); }

std::string text(const Json& object, const char* key)
{
    const Json& value = member(object, key);
    if (value.is_null()) return {};
    if (!value.is_string()) throw Unexpected(fmt::format("`{}` is not a string", key));
    return value.get<std::string>();
}

std::optional<std::string> wrong_reason(std::string_view why)
{
    if (why.size() > why_bytes_max)
        return fmt::format("`why` is longer than {} bytes", why_bytes_max);
    if (printable(why, why_bytes_max) != why)
        return "`why` is no line of plain text: a line break or another control character is in it";
    return std::nullopt;
}

std::string sentence_from(const Json& json)
{
    return json.is_string() ? json.get<std::string>() : std::string();
}

std::uint64_t count_up_to(const Json& object, const char* key, std::uint64_t limit)
{
    const Json& value = member(object, key);
    if (value.is_null()) return 0;
    if (!value.is_number_unsigned()) throw Unexpected(fmt::format("`{}` is not a count", key));
    const auto wide = value.get<std::uint64_t>();
    if (wide > limit) throw Unexpected(fmt::format("`{}` is too large", key));
    return wide;
}

bool truth(const Json& object, const char* key)
{
    const Json& value = member(object, key);
    return value.is_boolean() && value.get<bool>();
}

double real(const Json& object, const char* key)
{
    const Json& value = member(object, key);
    if (value.is_null()) return 0;
    if (!value.is_number()) throw Unexpected(fmt::format("`{}` is not a number", key));
    return value.get<double>();
}

Duration duration(const Json& object, const char* key)
{
    constexpr double longest = 9e9; // seconds that fit into a Duration
    const double length = real(object, key);
    if (!(length >= -longest && length <= longest))
        throw Unexpected(fmt::format("`{}` is out of range", key));
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(length));
}

WallTime moment(const Json& object, const char* key)
{
    const auto at = parse_rfc3339(text(object, key));
    if (!at) throw Unexpected(fmt::format("`{}` is not a time", key));
    return *at;
}

std::optional<WallTime> moment_if_any(const Json& object, const char* key)
{
    if (is_absent(object, key)) return std::nullopt;
    return moment(object, key);
}

void for_each(const Json& object, const char* key, const std::function<void(const Json&)>& take)
{
    const Json& values = member(object, key);
    if (values.is_null()) return;
    if (!values.is_array()) throw Unexpected(fmt::format("`{}` is not a list", key));
    for (const Json& value : values)
        take(value);
}

void read_document(std::string_view text, const std::function<void(const Json&)>& read)
{
    try {
        read(Json::parse(text));
    } catch (const Json::exception& wrong) {
        throw Unexpected("not JSON: " + printable(wrong.what(), 200));
    }
}

} // namespace keel::control
