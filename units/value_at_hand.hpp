// One value of a document with its row of the schema: is it of the right type, and whom to tell if
// it is not. What each kind of row makes of it is the reader's business.
//
// Private to units/reader.cpp.
#pragma once
#include "base/text.hpp"
#include "units/mistakes.hpp"
#include "units/placeholders.hpp"
#include "units/reader.hpp"
#include "units/show.hpp"

#include <fmt/format.h>

namespace keel::units {

class ValueAtHand {
public:
    ValueAtHand(const Key& key, const Place& place, const Value& value, Draft& draft,
                Report& report, Notes& notes)
        : key_(key), place_(place), value_(value), draft_(draft), report_(report), notes_(notes)
    {}

protected:
    void complain(Mistake mistake) { report_.add(value_.at, place_.key, std::move(mistake)); }
    void complain_of(const Value& element, Mistake mistake)
    {
        report_.add(element.at, place_.key, std::move(mistake));
    }

    void out_of_range(const std::string& given)
    {
        complain({fmt::format("must be {}, is {}", range_text(key_.kind), given),
                  "the default is " + default_text(key_)});
    }

    /// The value as T, or a complaint and nullptr.
    template <class T> const T* as()
    {
        const auto* given = std::get_if<T>(&value_.data);
        if (given == nullptr) complain(wrong_type(key_, value_));
        return given;
    }

    /// The value as a list of at most `count_max` elements.
    const List* as_list(std::size_t count_max, std::string_view what)
    {
        const auto* list = as<List>();
        if (list == nullptr) return nullptr;
        if (list->size() <= count_max) return list;
        complain({fmt::format("has more than {} {}", count_max, what), "leave some out"});
        return nullptr;
    }

    /// An element of a list of texts, where each stands at most once; else a complaint and nullptr.
    const std::string* text_once(const Value& element)
    {
        const auto* text = std::get_if<std::string>(&element.data);
        if (text == nullptr) {
            complain_of(element, not_a_string(element, example(key_)));
        } else if (!notes_.positions.emplace(place_.key + "." + *text, element.at).second) {
            complain_of(element, {fmt::format("`{}` is listed twice", printable(*text, 64)),
                                  "once is enough"});
            return nullptr;
        }
        return text;
    }

    bool braces_fit(std::string_view text, const std::string& key, Position at)
    {
        if (auto mistake = check_placeholders(text)) {
            report_.add(at, key, std::move(*mistake));
            return false;
        }
        notes_.texts.push_back({key, at, std::string(text)});
        return true;
    }

    const Key& key_;
    const Place& place_;
    const Value& value_;
    Draft& draft_;
    Report& report_;
    Notes& notes_;
};

} // namespace keel::units
