#include "units/reader.hpp"

#include "base/text.hpp"
#include "units/elements.hpp"
#include "units/mistakes.hpp"
#include "units/placeholders.hpp"
#include "units/show.hpp"
#include "units/signals.hpp"
#include "units/value_at_hand.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::units {
namespace {

/// Values that placeholders could have, to check what a text looks like once they are filled in.
const PlaceholderValues sample_values{"unit", "1", "1", "/srv/unit/releases/1", "/run/keel/unit"};

/// The same where {release} is an ID.
const PlaceholderValues sample_release{"unit", "", "", "1", ""};

/// Reads one value; each take() is one kind.
class ValueReader : ValueAtHand {
public:
    using ValueAtHand::ValueAtHand;

    void take(const Boolean& kind)
    {
        if (const auto* given = as<bool>()) kind.slot.set(draft_, *given);
    }

    void take(const Integer& kind)
    {
        const auto* given = as<std::int64_t>();
        if (given == nullptr) return;
        if (*given < kind.min || *given > kind.max) return out_of_range(fmt::format("{}", *given));
        kind.slot.set(draft_, *given);
    }

    void take(const Number& kind)
    {
        // 2 is as good a number as 2.0.
        double number = 0;
        if (const auto* whole = std::get_if<std::int64_t>(&value_.data))
            number = static_cast<double>(*whole);
        else if (const auto* given = as<double>())
            number = *given;
        else
            return;
        // Written so that a NaN is out of range too.
        if (!(number >= kind.min && number <= kind.max))
            return out_of_range(fmt::format("{}", number));
        kind.slot.set(draft_, number);
    }

    void take(const Span& kind)
    {
        if (const auto* given = as<std::string>())
            take_measured(kind, *given, parse_duration(*given), "duration",
                          "\"250ms\", \"5s\", \"2m\", \"1h30m\", \"7d\"");
    }

    void take(const Size& kind)
    {
        if (const auto* given = as<std::string>())
            take_measured(kind, *given, parse_size(*given), "size",
                          "\"64KiB\", \"50MiB\", \"1GiB\"");
    }

    void take(const Percent& kind)
    {
        const auto* given = as<std::string>();
        if (given != nullptr) take_parsed(percentage(*given, kind.min, kind.max), kind.slot);
    }

    void take(const Text& kind)
    {
        const auto* given = as<std::string>();
        if (given == nullptr) return;
        if (given->size() > kind.length_max)
            return complain({fmt::format("is longer than {} bytes", kind.length_max),
                             "shorten it, or for example " + example(key_)});
        if (!braces_fit(*given, kind.braces)) return;
        if (auto mistake = kind.rule->check(filled_in(*given, kind.braces)))
            return complain(std::move(*mistake));
        kind.slot.set(draft_, *given);
    }

    void take(const Command& kind)
    {
        auto words = command_words();
        if (!words) return;
        if (words->size() > kind.words_max)
            return complain({fmt::format("has more than {} words", kind.words_max),
                             "put the arguments into a file"});
        if (auto mistake = check_command(*words)) return complain(std::move(*mistake));
        kind.slot.set(draft_, std::move(*words));
    }

    void take(const TextMap& kind)
    {
        const auto* entries = as<Table>();
        if (entries == nullptr) return;
        if (entries->size() > kind.entries_max)
            return complain(
                {fmt::format("has more than {} entries", kind.entries_max), "leave some out"});
        std::map<std::string, std::string> texts;
        for (const Entry& entry : *entries)
            if (auto text = entry_text(kind, entry)) texts.emplace(entry.key, std::move(*text));
        kind.slot.set(draft_, std::move(texts));
    }

    void take(const Choice& kind)
    {
        const auto* given = as<std::string>();
        if (given == nullptr) return;
        if (const auto place = place_among(kind.words, *given))
            return kind.slot.set(draft_, *place);
        complain(unknown_word(*given, kind.words, kind.later));
    }

    void take(const Readiness& kind)
    {
        const auto* given = as<std::string>();
        if (given != nullptr) take_parsed(ready_when(*given, kind), kind.slot);
    }

    void take(const Rungs& kind)
    {
        const auto* list = as_list(16, "rungs");
        if (list == nullptr) return;
        std::vector<Rung> rungs;
        for (const Value& element : *list)
            if (const auto* text = text_once(element))
                take_element(ladder_rung(*text, kind), element, rungs);
        if (rungs.size() != list->size()) return;
        if (auto mistake = kind.check(rungs)) return complain(std::move(*mistake));
        kind.slot.set(draft_, std::move(rungs));
    }

    void take(const Choices& kind)
    {
        std::vector<std::uint8_t> chosen;
        bool good = true;
        if (std::holds_alternative<std::string>(value_.data)) {
            good = take_word(kind, value_, chosen);
        } else {
            const auto* list = as_list(16, "words");
            if (list == nullptr) return;
            for (const Value& element : *list)
                good = take_word(kind, element, chosen) && good;
        }
        if (!good) return;
        if (auto mistake = kind.check(chosen)) return complain(std::move(*mistake));
        kind.slot.set(draft_, std::move(chosen));
    }

    void take(const SignalName& kind)
    {
        const auto* given = as<std::string>();
        if (given == nullptr) return;
        if (const auto number = parse_signal(*given)) return kind.slot.set(draft_, *number);
        complain(unknown_signal(*given));
    }

    void take(const Texts& kind)
    {
        const auto* list = as_list(kind.texts_max, kind.what);
        if (list == nullptr) return;
        std::vector<std::string> texts;
        for (const Value& element : *list)
            if (const auto* text = text_once(element)) {
                if (auto mistake = kind.rule->check(*text))
                    complain_of(element, std::move(*mistake));
                else
                    texts.push_back(*text);
            }
        kind.slot.set(draft_, std::move(texts));
    }

    void take(const FileMode& kind)
    {
        const auto* given = as<std::string>();
        if (given != nullptr) take_parsed(file_mode(*given, kind.max), kind.slot);
    }

    void take(const Processors& kind)
    {
        const auto* list = as_list(kind.number_max, "elements");
        if (list == nullptr) return;
        if (list->empty()) return complain({"names no processor", "leave it out for all of them"});
        std::vector<std::uint16_t> numbers;
        for (const Value& element : *list)
            if (auto mistake = add_processors(element, kind.number_max, numbers))
                complain_of(element, std::move(*mistake));
        kind.slot.set(draft_, std::move(numbers));
    }

    void take(const Limit& kind) { take_parsed(resource_limit(value_, kind.measure), kind.slot); }

    void take(const ExitMatches& kind)
    {
        const auto* list = as_list(kind.matches_max, "elements");
        if (list == nullptr) return;
        std::vector<ExitMatch> matches;
        for (const Value& element : *list)
            take_element(exit_match(element), element, matches);
        kind.slot.set(draft_, std::move(matches));
    }

    void take(const StatusRanges& kind)
    {
        const auto* list = as_list(kind.ranges_max, "ranges");
        if (list == nullptr) return;
        if (list->empty())
            return complain({"lists no status code, so no answer would pass",
                             "leave it out, or for example " + example(key_)});
        std::vector<StatusRange> ranges;
        for (const Value& element : *list)
            take_element(status_range(element), element, ranges);
        kind.slot.set(draft_, std::move(ranges));
    }

    void take(const Section&) {}
    void take(const Sections&) {}
    void take(const NamedSections&) {}
    void take(const UnitKeys&) {}

    void take(const Later&)
    {
        report_.add(place_.at, place_.key,
                    {"is not supported by this version of keel yet", "leave it out until it is"});
    }

private:
    bool braces_fit(const std::string& text, Braces braces)
    {
        if (braces == Braces::plain) return true;
        if (braces == Braces::placeholders)
            return ValueAtHand::braces_fit(text, place_.key, value_.at);
        auto mistake = check_source_placeholders(text);
        if (mistake) complain(std::move(*mistake));
        return !mistake;
    }

    static std::string filled_in(const std::string& text, Braces braces)
    {
        if (braces == Braces::plain) return text;
        return fill(text, braces == Braces::placeholders ? sample_values : sample_release);
    }

    /// A number with its unit, in its range.
    template <class Range, class T>
    void take_measured(const Range& kind, const std::string& given, const std::optional<T>& value,
                       std::string_view what, std::string_view examples)
    {
        const std::string shown = printable(given, 64);
        if (!value)
            return complain({fmt::format("`{}` is no {}", shown, what),
                             fmt::format("a number and its unit: {}", examples)});
        if (*value < kind.min || *value > kind.max) return out_of_range(shown);
        kind.slot.set(draft_, *value);
    }

    std::optional<std::vector<std::string>> command_words()
    {
        if (const auto* line = std::get_if<std::string>(&value_.data)) return split_line(*line);
        const auto* list = std::get_if<List>(&value_.data);
        if (list == nullptr) {
            complain(wrong_type(key_, value_));
            return std::nullopt;
        }
        std::vector<std::string> words;
        for (const Value& element : *list) {
            const auto* word = std::get_if<std::string>(&element.data);
            if (word == nullptr)
                complain_of(element, not_a_string(element, example(key_)));
            else if (ValueAtHand::braces_fit(*word, place_.key, element.at))
                words.push_back(*word);
        }
        if (words.size() != list->size()) return std::nullopt;
        return words;
    }

    std::optional<std::vector<std::string>> split_line(const std::string& line)
    {
        auto words = split_words(line);
        std::optional<Mistake> mistake;
        if (!words)
            mistake = Mistake{"has a quote that is not closed, or ends in a backslash",
                              "or write a list: " + example(key_)};
        else
            mistake = check_no_shell(*words);
        if (mistake) {
            complain(std::move(*mistake));
            return std::nullopt;
        }
        for (const std::string& word : *words)
            if (!ValueAtHand::braces_fit(word, place_.key, value_.at)) return std::nullopt;
        return words;
    }

    /// Problems of one entry carry its own key: `environment.PATH`.
    std::optional<std::string> entry_text(const TextMap& kind, const Entry& entry)
    {
        const std::string name = place_.key + "." + printable(entry.key, 64);
        if (auto mistake = kind.rule->check_key(entry.key)) {
            report_.add(entry.at, name, std::move(*mistake));
            return std::nullopt;
        }
        const Position at = entry.value.at;
        const auto* text = std::get_if<std::string>(&entry.value.data);
        if (text == nullptr) {
            report_.add(at, name, not_a_string(entry.value, example(key_)));
            return std::nullopt;
        }
        const bool filled = kind.braces == Braces::placeholders;
        if (filled && !ValueAtHand::braces_fit(*text, name, at)) return std::nullopt;
        if (auto mistake = kind.rule->check_value(filled_in(*text, kind.braces))) {
            report_.add(at, name, std::move(*mistake));
            return std::nullopt;
        }
        return *text;
    }

    bool take_word(const Choices& kind, const Value& element, std::vector<std::uint8_t>& chosen)
    {
        const auto* word = text_once(element);
        if (word == nullptr) return false;
        const auto place = place_among(kind.words, *word);
        if (place)
            chosen.push_back(*place);
        else
            complain_of(element, unknown_word(*word, kind.words, kind.later));
        return place.has_value();
    }

    /// Sets a parsed value, or complains about it.
    template <class T, class S>
    void take_parsed(std::variant<T, Mistake> parsed, const Slot<S>& slot)
    {
        if (auto* mistake = std::get_if<Mistake>(&parsed))
            complain(std::move(*mistake));
        else
            slot.set(draft_, std::move(std::get<T>(parsed)));
    }

    /// Adds a parsed element to its list, or complains about it.
    template <class T>
    void take_element(std::variant<T, Mistake> parsed, const Value& element, std::vector<T>& into)
    {
        if (auto* mistake = std::get_if<Mistake>(&parsed))
            complain_of(element, std::move(*mistake));
        else
            into.push_back(std::get<T>(parsed));
    }
};

} // namespace

Position position_of(const Notes& notes, std::string_view key)
{
    const auto found = notes.positions.find(key);
    return found == notes.positions.end() ? Position{1, 1} : found->second;
}

void read_value(const Key& key, const Place& place, const Value& value, Draft& draft,
                Report& report, Notes& notes)
{
    notes.positions.emplace(place.key, value.at);
    ValueReader reader(key, place, value, draft, report, notes);
    std::visit([&](const auto& kind) { reader.take(kind); }, key.kind);
}

} // namespace keel::units
