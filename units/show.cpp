#include "units/show.hpp"

#include "base/text.hpp"
#include "units/elements.hpp"
#include "units/overloaded.hpp"
#include "units/signals.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace keel::units {
namespace {

const Draft& fresh_draft()
{
    static const Draft fresh;
    return fresh;
}

std::string show_words(const std::vector<std::string>& words)
{
    std::vector<std::string> shown;
    for (const std::string& word : words)
        shown.push_back(toml_string(word));
    return fmt::format("[{}]", fmt::join(shown, ", "));
}

std::string show_map(const std::map<std::string, std::string>& entries)
{
    if (entries.empty()) return "{}";
    std::vector<std::string> shown;
    for (const auto& [key, text] : entries)
        shown.push_back(fmt::format("{} = {}", toml_string(key), toml_string(text)));
    return fmt::format("{{ {} }}", fmt::join(shown, ", "));
}

std::string show_choices(const std::vector<std::uint8_t>& chosen,
                         std::span<const std::string_view> words)
{
    std::vector<std::string> shown;
    for (const std::uint8_t place : chosen)
        shown.push_back(toml_string(words[place]));
    return fmt::format("[{}]", fmt::join(shown, ", "));
}

std::string show_ready(const ReadyWhen& when)
{
    std::string rest;
    if (when.by == ReadyBy::log) rest = ":" + when.line;
    if (when.by == ReadyBy::descriptor) rest = fmt::format(":{}", when.fd);
    return toml_string(fmt::format("{}{}", name(when.by), rest));
}

std::string show_rungs(const std::vector<Rung>& rungs)
{
    std::vector<std::string> shown;
    for (const Rung& rung : rungs)
        shown.push_back(toml_string(to_text(rung)));
    return fmt::format("[{}]", fmt::join(shown, ", "));
}

std::string show_exits(const std::vector<ExitMatch>& matches)
{
    std::vector<std::string> shown;
    for (const ExitMatch& match : matches)
        shown.push_back(match.kind == ExitMatch::Kind::code
                            ? fmt::format("{}", match.number)
                            : toml_string(signal_text(match.number)));
    return fmt::format("[{}]", fmt::join(shown, ", "));
}

std::string show_statuses(const std::vector<StatusRange>& ranges)
{
    std::vector<std::string> shown;
    for (const StatusRange& range : ranges)
        shown.push_back(range.low == range.high ? fmt::format("\"{}\"", range.low)
                                                : fmt::format("\"{}-{}\"", range.low, range.high));
    return fmt::format("[{}]", fmt::join(shown, ", "));
}

/// [0, "2-5"]: neighbours as ranges.
std::string show_processors(const std::vector<std::uint16_t>& numbers)
{
    std::vector<std::string> shown;
    for (std::size_t i = 0; i < numbers.size();) {
        std::size_t end = i + 1;
        while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1)
            ++end;
        if (end - i == 1)
            shown.push_back(fmt::format("{}", numbers[i]));
        else
            shown.push_back(fmt::format("\"{}-{}\"", numbers[i], numbers[end - 1]));
        i = end;
    }
    return fmt::format("[{}]", fmt::join(shown, ", "));
}

std::string show_limit(const std::optional<ResourceLimit>& limit, Measure measure)
{
    if (!limit) return "";
    if (measure == Measure::count && limit->soft == limit->hard &&
        limit->soft != ResourceLimit::unlimited)
        return fmt::format("{}", limit->soft);
    return toml_string(to_text(*limit, measure));
}

/// A number that TOML reads back as a float.
std::string show_number(double number)
{
    std::string text = fmt::format("{}", number);
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

} // namespace

std::string type_text(const Kind& kind)
{
    return std::visit(
        Overloaded{
            [](const Boolean&) -> std::string { return "boolean"; },
            [](const Integer&) -> std::string { return "integer"; },
            [](const Number&) -> std::string { return "number"; },
            [](const Span&) -> std::string { return "duration"; },
            [](const Size&) -> std::string { return "size"; },
            [](const Percent&) -> std::string { return "percentage"; },
            [](const Text& text) { return std::string(text.rule->type); },
            [](const Command&) -> std::string { return "command"; },
            [](const TextMap& map) { return std::string(map.rule->type); },
            [](const Choice& choice) { return one_of(choice.words); },
            [](const Readiness& k) { return ready_text(k); },
            [](const Rungs& rungs) {
                return fmt::format("list of {}, or `run:` and a name", one_of(rungs.words));
            },
            [](const Choices& choices) { return "list of " + one_of(choices.words); },
            [](const SignalName&) -> std::string { return "signal"; },
            [](const Texts& texts) { return fmt::format("list of {}", texts.what); },
            [](const FileMode&) -> std::string { return "octal file mode"; },
            [](const Processors&) -> std::string { return "list of processors and ranges"; },
            [](const Limit& limit) -> std::string {
                switch (limit.measure) {
                case Measure::count: return "integer or soft:hard";
                case Measure::bytes: return "size or soft:hard";
                case Measure::seconds:
                case Measure::microseconds: break;
                }
                return "duration or soft:hard";
            },
            [](const ExitMatches&) -> std::string { return "list of exit codes and signals"; },
            [](const StatusRanges&) -> std::string { return "list of status codes and ranges"; },
            [](const Section&) -> std::string { return "section"; },
            [](const Sections&) -> std::string { return "list of sections"; },
            [](const NamedSections&) -> std::string { return "sections by name"; },
            [](const UnitKeys&) -> std::string { return "section"; },
            [](const Later&) -> std::string { return "not supported yet"; }},
        kind);
}

std::string range_text(const Kind& kind)
{
    const auto at_most = [](std::size_t count, std::string_view what) {
        return fmt::format("at most {} {}", count, what);
    };
    return std::visit(
        Overloaded{
            [](const Boolean&) -> std::string { return ""; },
            [](const Integer& range) { return fmt::format("{} to {}", range.min, range.max); },
            [](const Number& range) { return fmt::format("{} to {}", range.min, range.max); },
            [](const Span& range) {
                return fmt::format("{} to {}", keel::to_text(range.min), keel::to_text(range.max));
            },
            [](const Size& range) {
                return fmt::format("{} to {}", size_to_text(range.min), size_to_text(range.max));
            },
            [](const Percent& range) { return fmt::format("{}% to {}%", range.min, range.max); },
            [&](const Text& text) { return at_most(text.length_max, "bytes"); },
            [&](const Command& command) { return at_most(command.words_max, "words"); },
            [&](const TextMap& map) { return at_most(map.entries_max, "entries"); },
            [](const Choice&) -> std::string { return ""; },
            [](const Readiness&) -> std::string { return ""; },
            [](const Rungs&) -> std::string { return ""; },
            [](const Choices&) -> std::string { return ""; },
            [](const SignalName&) -> std::string { return ""; },
            [&](const Texts& texts) { return at_most(texts.texts_max, texts.what); },
            [](const FileMode& mode) { return fmt::format("0000 to {:04o}", mode.max); },
            [](const Processors& range) { return fmt::format("0 to {}", range.number_max); },
            [](const Limit&) -> std::string { return "or \"unlimited\""; },
            [](const ExitMatches&) -> std::string { return "codes 0 to 255"; },
            [](const StatusRanges&) -> std::string { return "100 to 599"; },
            [](const Section&) -> std::string { return ""; },
            [&](const Sections& sections) { return at_most(sections.sections_max, "of them"); },
            [&](const NamedSections& sections) {
                return at_most(sections.sections_max, "of them");
            },
            [](const UnitKeys&) -> std::string { return ""; },
            [](const Later&) -> std::string { return ""; }},
        kind);
}

std::string show(const Kind& kind, const Draft& draft)
{
    return std::visit(
        Overloaded{
            [&](const Boolean& k) -> std::string { return k.slot.get(draft) ? "true" : "false"; },
            [&](const Integer& k) { return fmt::format("{}", k.slot.get(draft)); },
            [&](const Number& k) { return show_number(k.slot.get(draft)); },
            [&](const Span& k) { return toml_string(keel::to_text(k.slot.get(draft))); },
            [&](const Size& k) { return toml_string(size_to_text(k.slot.get(draft))); },
            [&](const Percent& k) { return fmt::format("\"{}%\"", k.slot.get(draft)); },
            [&](const Text& k) { return toml_string(k.slot.get(draft)); },
            [&](const Command& k) { return show_words(k.slot.get(draft)); },
            [&](const TextMap& k) { return show_map(k.slot.get(draft)); },
            [&](const Choice& k) { return toml_string(k.words[k.slot.get(draft)]); },
            [&](const Readiness& k) { return show_ready(k.slot.get(draft)); },
            [&](const Rungs& k) { return show_rungs(k.slot.get(draft)); },
            [&](const Choices& k) { return show_choices(k.slot.get(draft), k.words); },
            [&](const SignalName& k) { return toml_string(signal_text(k.slot.get(draft))); },
            [&](const Texts& k) { return show_words(k.slot.get(draft)); },
            [&](const FileMode& k) { return fmt::format("\"{:04o}\"", k.slot.get(draft)); },
            [&](const Processors& k) { return show_processors(k.slot.get(draft)); },
            [&](const Limit& k) { return show_limit(k.slot.get(draft), k.measure); },
            [&](const ExitMatches& k) { return show_exits(k.slot.get(draft)); },
            [&](const StatusRanges& k) { return show_statuses(k.slot.get(draft)); },
            [](const Section&) -> std::string { return ""; },
            [](const Sections&) -> std::string { return ""; },
            [](const NamedSections&) -> std::string { return ""; },
            [](const UnitKeys&) -> std::string { return ""; },
            [](const Later&) -> std::string { return ""; }},
        kind);
}

std::string default_text(const Key& key)
{
    if (!key.default_text.empty()) return std::string(key.default_text);
    return show(key.kind, fresh_draft());
}

std::string example(const Key& key)
{
    const std::string name(last_name(key.path));
    const std::string value = std::visit(
        Overloaded{[](const Text& k) { return std::string(k.rule->example); },
                   [](const TextMap& k) { return std::string(k.rule->example); },
                   [](const Command&) -> std::string {
                       return "[\"redis-server\", \"--port\", \"6379\"]";
                   },
                   [](const Texts& k) { return fmt::format("[{}]", k.rule->example); },
                   [](const Percent&) -> std::string { return "\"150%\""; },
                   [](const Processors&) -> std::string { return "[\"0-3\", 6]"; },
                   [](const Limit&) -> std::string { return "\"1024:4096\""; },
                   [](const ExitMatches&) -> std::string { return "[0, \"TERM\"]"; },
                   [](const StatusRanges&) -> std::string { return "[\"200-299\", \"404\"]"; },
                   [](const Later&) -> std::string { return ""; },
                   [](const Section&) -> std::string { return ""; },
                   [](const Sections&) -> std::string { return ""; },
                   [](const NamedSections&) -> std::string { return ""; },
                   [](const UnitKeys&) -> std::string { return ""; },
                   [](const auto& k) { return show(k, fresh_draft()); }},
        key.kind);
    if (std::holds_alternative<Section>(key.kind)) return fmt::format("[{}]", name);
    if (std::holds_alternative<Sections>(key.kind)) return fmt::format("[[{}]]", key.path);
    if (std::holds_alternative<NamedSections>(key.kind)) return fmt::format("[{}.NAME]", name);
    return fmt::format("{} = {}", name, value);
}

std::string toml_string(std::string_view text)
{
    std::string shown = "\"";
    for (const char c : text) {
        switch (c) {
        case '"': shown += "\\\""; break;
        case '\\': shown += "\\\\"; break;
        case '\n': shown += "\\n"; break;
        case '\r': shown += "\\r"; break;
        case '\t': shown += "\\t"; break;
        default:
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
                shown += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
            else
                shown += c;
        }
    }
    return shown + "\"";
}

std::string ready_text(const Readiness& kind)
{
    return one_of(kind.words) + ", `log:` and an expression, or `fd:` and a number";
}

std::string one_of(std::span<const std::string_view> words)
{
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
        text += fmt::format("`{}`", words[i]);
    }
    return text;
}

} // namespace keel::units
