// Writing JSON by appending to a string: no tree is built, so a thousand units cost what their
// bytes cost. Well-formed by construction but for keys, which the caller writes plainly.
//
// Text that is not UTF-8 gets U+FFFD for its broken bytes.
#pragma once
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::control {

class JsonWriter {
public:
    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_list() { return open('['); }
    JsonWriter& end_list() { return close(']'); }
    /// The next value belongs to it.
    JsonWriter& key(std::string_view name);

    JsonWriter& value(std::string_view text);
    JsonWriter& value(const char* text) { return value(std::string_view(text)); }
    JsonWriter& value(bool truth) { return literal(truth ? "true" : "false"); }
    JsonWriter& value(double number); ///< what is no number becomes null
    template <std::integral Integer>
        requires(!std::same_as<Integer, bool>)
    JsonWriter& value(Integer number) { return literal(std::to_string(number)); }
    JsonWriter& null() { return literal("null"); }

    template <class Value> JsonWriter& member(std::string_view name, const Value& content)
    {
        key(name);
        return value(content);
    }
    template <class Value>
    JsonWriter& member(std::string_view name, const std::optional<Value>& content)
    {
        return content ? member(name, *content) : key(name).null();
    }
    /// An empty text becomes null.
    JsonWriter& member_if_any(std::string_view name, std::string_view text)
    {
        return text.empty() ? key(name).null() : member(name, text);
    }

    [[nodiscard]] std::string take() { return std::move(out_); }

private:
    JsonWriter& open(char bracket)
    {
        separate();
        out_ += bracket;
        return *this;
    }
    JsonWriter& close(char bracket)
    {
        out_ += bracket;
        return *this;
    }
    JsonWriter& literal(std::string_view text)
    {
        separate();
        out_ += text;
        return *this;
    }
    /// A comma, unless this is the first value of its list or object, or belongs to a key.
    void separate()
    {
        if (out_.empty()) return;
        const char last = out_.back();
        if (last != '{' && last != '[' && last != ':') out_ += ',';
    }

    std::string out_;
};

} // namespace keel::control
