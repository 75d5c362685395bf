#include "units/placeholders.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace keel::units {
namespace {

constexpr std::array table = {
    Placeholder{"unit", &PlaceholderValues::unit, "name of the unit"},
    Placeholder{"instance", &PlaceholderValues::instance, "number of the instance, from 1"},
    Placeholder{"port", &PlaceholderValues::port, "`port_base` + instance − 1"},
    Placeholder{"release", &PlaceholderValues::release,
                "directory of the release, `deploy.root`/releases/ID"},
    Placeholder{"runtime_dir", &PlaceholderValues::runtime_dir,
                "directory of the unit below keeld's run-time directory"}};

/// One stretch of a text: plain characters, a doubled brace, a `{name}`, or a brace gone astray.
struct Piece {
    enum class Kind : std::uint8_t { plain, brace, placeholder, astray } kind;
    std::string_view text; ///< of a placeholder its name, of a doubled brace one brace
};

/// Takes the next piece off a text that is not empty.
Piece take_piece(std::string_view& rest)
{
    using Kind = Piece::Kind;
    const auto taken = [&](Kind kind, std::size_t from, std::size_t length, std::size_t all) {
        const Piece piece{kind, rest.substr(from, length)};
        rest.remove_prefix(all);
        return piece;
    };
    const std::size_t plain = std::min(rest.find_first_of("{}"), rest.size());
    if (plain > 0) return taken(Kind::plain, 0, plain, plain);
    if (rest.size() > 1 && rest[1] == rest[0]) return taken(Kind::brace, 0, 1, 2);
    const std::size_t end = rest.find_first_of("{}", 1);
    if (rest[0] == '{' && end != std::string_view::npos && rest[end] == '}')
        return taken(Kind::placeholder, 1, end - 1, end + 1);
    return taken(Kind::astray, 0, 1, 1);
}

const Placeholder* find(std::string_view name)
{
    const auto* const found = std::find_if(table.begin(), table.end(),
                                           [&](const Placeholder& p) { return p.name == name; });
    return found == table.end() ? nullptr : found;
}

Mistake unknown_placeholder(std::string_view name)
{
    std::vector<std::string_view> names;
    std::string all;
    for (const Placeholder& placeholder : table) {
        names.push_back(placeholder.name);
        all += fmt::format("{}{{{}}}", all.empty() ? "" : ", ", placeholder.name);
    }
    const auto near = nearest(name, names);
    return {fmt::format("unknown placeholder {{{}}}", printable(name, 64)),
            near ? fmt::format("did you mean {{{}}}? A brace itself is written {{{{ or }}}}", *near)
                 : fmt::format("there are {}; a brace itself is written {{{{ or }}}}", all)};
}

} // namespace

std::span<const Placeholder> placeholders() { return table; }

PlaceholderValues placeholder_values(const UnitSpec& spec, std::uint16_t slot,
                                     std::string runtime_dir)
{
    PlaceholderValues values{spec.name, std::to_string(slot), "", "", std::move(runtime_dir)};
    if (spec.port_base != 0) values.port = std::to_string(spec.port_base + slot - 1);
    return values;
}

std::optional<Mistake> check_placeholders(std::string_view text)
{
    while (!text.empty()) {
        const Piece piece = take_piece(text);
        if (piece.kind == Piece::Kind::astray)
            return Mistake{fmt::format("a single `{}` that belongs to no placeholder", piece.text),
                           "a brace itself is written {{ or }}"};
        if (piece.kind != Piece::Kind::placeholder) continue;
        if (find(piece.text) == nullptr) return unknown_placeholder(piece.text);
    }
    return std::nullopt;
}

std::optional<Mistake> check_source_placeholders(std::string_view text)
{
    if (auto mistake = check_placeholders(text)) return mistake;
    for (const Placeholder& other : table)
        if (other.name != "release" && other.name != "unit" && uses_placeholder(text, other.name))
            return Mistake{fmt::format("{{{}}} means nothing here: a release is the same for all "
                                       "instances",
                                       other.name),
                           "{release}, which is the release's ID here, and {unit} do"};
    return std::nullopt;
}

bool uses_placeholder(std::string_view text, std::string_view name)
{
    while (!text.empty()) {
        const Piece piece = take_piece(text);
        if (piece.kind == Piece::Kind::placeholder && piece.text == name) return true;
    }
    return false;
}

std::string fill(std::string_view text, const PlaceholderValues& values)
{
    std::string filled;
    while (!text.empty()) {
        const Piece piece = take_piece(text);
        const Placeholder* const known =
            piece.kind == Piece::Kind::placeholder ? find(piece.text) : nullptr;
        if (known != nullptr)
            filled += values.*known->value;
        else if (piece.kind == Piece::Kind::placeholder)
            filled += fmt::format("{{{}}}", piece.text);
        else
            filled += piece.text;
    }
    return filled;
}

std::vector<std::string> fill(const std::vector<std::string>& texts,
                              const PlaceholderValues& values)
{
    std::vector<std::string> filled;
    filled.reserve(texts.size());
    for (const std::string& text : texts)
        filled.push_back(fill(text, values));
    return filled;
}

std::map<std::string, std::string> fill(const std::map<std::string, std::string>& texts,
                                        const PlaceholderValues& values)
{
    std::map<std::string, std::string> filled;
    for (const auto& [key, text] : texts)
        filled.emplace(key, fill(text, values));
    return filled;
}

namespace {

void fill_in(HttpTarget& http, const PlaceholderValues& values)
{
    http.url = fill(http.url, values);
    http.headers = fill(http.headers, values);
    http.tls_ca = fill(http.tls_ca, values);
}

void fill_in(TcpTarget& tcp, const PlaceholderValues& values)
{
    tcp.address = fill(tcp.address, values);
    tcp.send = fill(tcp.send, values);
    tcp.expect = fill(tcp.expect, values);
}

void fill_in(ExecTarget& exec, const PlaceholderValues& values)
{
    exec.command = fill(exec.command, values);
}

} // namespace

ProbeTarget fill(const ProbeTarget& target, const PlaceholderValues& values)
{
    ProbeTarget filled = target;
    std::visit([&](auto& kind) { fill_in(kind, values); }, filled);
    return filled;
}

std::string release_directory(const UnitSpec& spec, std::string_view id)
{
    return fmt::format("{}/releases/{}", spec.deploy.root, id);
}

std::string fill_source(const UnitSpec& spec, std::string_view text, std::string_view id)
{
    return fill(text, {spec.name, "", "", std::string(id), ""});
}

} // namespace keel::units
