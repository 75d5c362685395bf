#include "control/json_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace keel::control {
namespace {

bool is_plain(char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

} // namespace

JsonWriter& JsonWriter::key(std::string_view name)
{
    separate();
    out_ += '"';
    out_ += name;
    out_ += "\":";
    return *this;
}

JsonWriter& JsonWriter::value(std::string_view text)
{
    separate();
    if (std::ranges::all_of(text, is_plain)) {
        out_ += '"';
        out_ += text;
        out_ += '"';
        return *this;
    }
    // Rare, and easily done wrong: left to the library.
    using Json = nlohmann::json;
    out_ += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    return *this;
}

JsonWriter& JsonWriter::value(double number)
{
    if (!std::isfinite(number)) return null();
    std::array<char, 32> digits;
    const auto [end, failed] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    return literal({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

} // namespace keel::control
