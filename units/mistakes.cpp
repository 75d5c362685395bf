#include "units/mistakes.hpp"

#include "base/text.hpp"
#include "units/overloaded.hpp"
#include "units/show.hpp"
#include "units/signals.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <vector>

namespace keel::units {
namespace {

std::string expected_text(const Kind& kind)
{
    return std::visit(
        Overloaded{
            [](const Boolean&) -> std::string { return "true or false"; },
            [](const Integer&) -> std::string { return "an integer"; },
            [](const Number&) -> std::string { return "a number"; },
            [](const Span&) -> std::string { return "a duration"; },
            [](const Size&) -> std::string { return "a size"; },
            [](const Percent&) -> std::string { return "a percentage"; },
            [](const Text&) -> std::string { return "a string"; },
            [](const Command&) -> std::string { return "a string or a list of strings"; },
            [](const TextMap&) -> std::string { return "a table of strings"; },
            [](const Choice& choice) { return one_of(choice.words); },
            [](const Readiness& k) { return ready_text(k); },
            [](const Rungs& rungs) {
                return fmt::format("a list of {}, or `run:` and a name", one_of(rungs.words));
            },
            [](const Choices& choices) { return "a list of " + one_of(choices.words); },
            [](const SignalName&) -> std::string { return "the name of a signal"; },
            [](const Texts& texts) { return fmt::format("a list of {}", texts.what); },
            [](const FileMode&) -> std::string { return "a string of octal digits"; },
            [](const Processors&) -> std::string { return "a list of processors"; },
            [](const Limit&) -> std::string { return "a limit"; },
            [](const ExitMatches&) -> std::string { return "a list of exit codes and signals"; },
            [](const StatusRanges&) -> std::string { return "a list of status codes and ranges"; },
            [](const Section&) -> std::string { return "a section"; },
            [](const Sections&) -> std::string { return "a list of sections"; },
            [](const NamedSections&) -> std::string { return "a section for each name"; },
            [](const UnitKeys&) -> std::string { return "a section"; },
            [](const Later&) -> std::string { return "nothing"; }},
        kind);
}

template <class... Kinds> bool is_one_of(const Kind& kind)
{
    return (std::holds_alternative<Kinds>(kind) || ...);
}

/// What an integer was probably meant to be written as, for the kinds that take text.
std::optional<std::string> rewritten(const Kind& kind, std::int64_t integer)
{
    if (integer >= 0) {
        if (is_one_of<Span>(kind)) return fmt::format("\"{}s\"", integer);
        if (is_one_of<Size>(kind))
            return toml_string(size_to_text(static_cast<std::uint64_t>(integer)));
        if (is_one_of<SignalName>(kind)) {
            const std::string name = integer < 65 ? signal_text(static_cast<int>(integer)) : "";
            if (parse_signal(name)) return toml_string(name);
        }
    }
    if (is_one_of<ExitMatches, StatusRanges, Processors>(kind)) return fmt::format("[{}]", integer);
    if (is_one_of<Text>(kind)) return fmt::format("\"{}\"", integer);
    return std::nullopt;
}

/// The same for a text, where a number, a boolean or a list is wanted.
std::optional<std::string> rewritten(const Kind& kind, const std::string& text)
{
    if (text.size() > 32) return std::nullopt;
    const bool is_boolean = text == "true" || text == "false";
    if (is_boolean && is_one_of<Boolean>(kind)) return text;
    const bool is_number =
        !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    if (is_number && is_one_of<Integer>(kind)) return text;
    if (is_one_of<ExitMatches, StatusRanges, Texts>(kind))
        return fmt::format("[{}]", toml_string(text));
    return std::nullopt;
}

std::optional<std::string> rewritten(const Kind& kind, const Value& value)
{
    if (const auto* integer = std::get_if<std::int64_t>(&value.data))
        return rewritten(kind, *integer);
    if (const auto* text = std::get_if<std::string>(&value.data)) return rewritten(kind, *text);
    return std::nullopt;
}

/// Rows that stand directly below `parent`.
std::vector<std::string_view> names_below(const Language& language, std::string_view parent)
{
    std::vector<std::string_view> names;
    for (const Key& key : language.keys)
        if (parent_of(key.path) == parent) names.push_back(last_name(key.path));
    return names;
}

/// How a person writes the place that `parent` is.
std::string place_text(const Language& language, std::string_view parent)
{
    std::string place = std::string(language.within) + std::string(parent);
    if (place.empty()) return "at the top of the file, before the first [section]";
    place.pop_back();
    if (!place.ends_with("[]")) return fmt::format("in [{}]", place);
    return fmt::format("in [[{}]]", place.substr(0, place.size() - 2));
}

/// Places other than `parent` that have a key of exactly this name.
std::string places_with(const Language& language, std::string_view parent, std::string_view name)
{
    std::string places;
    for (const Key& key : language.keys) {
        if (last_name(key.path) != name || parent_of(key.path) == parent) continue;
        places += (places.empty() ? "" : " or ") + place_text(language, parent_of(key.path));
    }
    return places;
}

} // namespace

Mistake wrong_type(const Key& key, const Value& value)
{
    const auto better = rewritten(key.kind, value);
    return {fmt::format("expected {}, found {}", expected_text(key.kind), type_name(value)),
            better ? "write " + *better : "for example " + example(key)};
}

Mistake not_a_string(const Value& value, const std::string& example)
{
    std::string hint = "for example " + example;
    if (const auto* integer = std::get_if<std::int64_t>(&value.data))
        hint = fmt::format("write \"{}\"", *integer);
    if (const auto* boolean = std::get_if<bool>(&value.data))
        hint = fmt::format("write \"{}\"", *boolean);
    return {fmt::format("expected a string, found {}", type_name(value)), std::move(hint)};
}

Mistake unknown_word(std::string_view word, std::span<const std::string_view> words,
                     std::span<const std::string_view> later)
{
    const std::string shown = printable(word, 64);
    for (const std::string_view known : later)
        if (word == known || (known.ends_with(':') && word.starts_with(known)))
            return {fmt::format("`{}` is not supported by this version of keel yet", shown),
                    "it knows " + one_of(words)};
    const auto hint = did_you_mean(word, {words.begin(), words.end()});
    return {fmt::format("must be {}, is `{}`", one_of(words), shown),
            hint.value_or(fmt::format("for example \"{}\"", words.front()))};
}

Mistake unknown_signal(std::string_view name)
{
    const std::string_view bare = name.starts_with("SIG") ? name.substr(3) : name;
    return {fmt::format("`{}` is no signal", printable(name, 64)),
            did_you_mean(bare, signal_names())
                .value_or("for example \"TERM\", \"INT\" or \"RTMIN+3\"")};
}

Mistake unknown_key(const Language& language, std::string_view parent, std::string_view name)
{
    const auto names = names_below(language, parent);
    const std::string elsewhere = places_with(language, parent, name);
    std::string hint;
    if (name.find('.') != std::string_view::npos)
        hint = "a dot in quotes is no section; leave the quotes out";
    else if (!elsewhere.empty())
        hint = fmt::format("`{}` belongs {}", name, elsewhere);
    else if (const auto near = did_you_mean(name, names))
        hint = *near;
    else if (parent.empty())
        hint = fmt::format("{} lists all keys", language.reference);
    else
        hint = fmt::format("{} there are {}", place_text(language, parent), one_of(names));
    return {"unknown key", std::move(hint)};
}

Mistake missing_key(const Key& key) { return {"is required", "for example " + example(key)}; }

} // namespace keel::units
