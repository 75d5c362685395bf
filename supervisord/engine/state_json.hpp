// Small values of the state journal's records, as JSON and back. What cannot be read throws
// json::exception, which refuse_or() turns into a refusal of the whole record.
//
// Private to the codecs of this folder.
#pragma once
#include "base/enum_names.hpp"
#include "base/time.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace keel::engine::state_json {

using nlohmann::json;

inline json put(Duration d) { return d.count(); }
inline json put(MonoTime at) { return put(at.time_since_epoch()); }
inline json put(WallTime at) { return put(at.time_since_epoch()); }
inline json put(Now now) { return json::array({put(now.mono), put(now.wall)}); }
inline Duration duration(const json& j) { return Duration{j.get<Duration::rep>()}; }
inline MonoTime mono(const json& j) { return MonoTime{duration(j)}; }
inline WallTime wall(const json& j) { return WallTime{duration(j)}; }
inline Now both(const json& j) { return {mono(j.at(0)), wall(j.at(1))}; }

template <class T> json put(const std::optional<T>& v) { return v ? put(*v) : json(nullptr); }
template <class T> std::optional<T> if_any(const json& j, T (*get)(const json&))
{
    return j.is_null() ? std::nullopt : std::optional(get(j));
}

template <NamedEnum E> json put_name(E value) { return std::string(name(value)); }
template <NamedEnum E> E get_name(const json& j)
{
    const auto found = from_name<E>(j.get<std::string>());
    if (!found) throw json::other_error::create(599, "an unknown name", &j);
    return *found;
}
template <class E> json put_number(E value) { return static_cast<unsigned>(value); }
template <class E> E get_number(const json& j, E last)
{
    const auto value = j.get<unsigned>();
    if (value > static_cast<unsigned>(last))
        throw json::other_error::create(598, "out of range", &j);
    return static_cast<E>(value);
}

/// As many as both know: another version may count more kinds, behind those of this one.
template <std::size_t count>
void get_counts(const json& j, std::array<std::uint64_t, count>& counts)
{
    for (std::size_t i = 0; i < count && i < j.size(); ++i)
        j.at(i).get_to(counts[i]);
}

inline std::string text(const json& j)
{
    return j.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Runs `read` on the parsed record; any mistake in it refuses the whole.
template <class Read> bool refuse_or(std::string_view record, Read read)
{
    try {
        read(json::parse(record));
        return true;
    } catch (const json::exception&) {
        return false;
    }
}

} // namespace keel::engine::state_json
