// Reading the members of a JSON document: each by name, with what is wrong with it told by name.
//
// An absent member and null are the same: empty, zero, none. Private to the json_ files of this
// folder, which catch what these throw.
#pragma once
#include "base/enum_names.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "core/views.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace keel::control {

using Json = nlohmann::json;

/// What is wrong with a document.
struct Unexpected : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// All throw Unexpected where the member is of another type or out of range.
const Json& member(const Json& object, const char* key);
bool is_absent(const Json& object, const char* key);
std::string text(const Json& object, const char* key);
bool truth(const Json& object, const char* key);
double real(const Json& object, const char* key);
Duration duration(const Json& object, const char* key);
WallTime moment(const Json& object, const char* key);
std::optional<WallTime> moment_if_any(const Json& object, const char* key);
std::uint64_t count_up_to(const Json& object, const char* key, std::uint64_t limit);
void for_each(const Json& object, const char* key, const std::function<void(const Json&)>& take);

template <class Number> Number count(const Json& object, const char* key)
{
    constexpr auto limit = static_cast<std::uint64_t>(std::numeric_limits<Number>::max());
    return static_cast<Number>(count_up_to(object, key, limit));
}

/// The enumerator of that name. One that this version does not know gives `otherwise`.
template <NamedEnum E> E enumerator(const Json& object, const char* key, E otherwise)
{
    return from_name<E>(text(object, key)).value_or(otherwise);
}

template <class View>
std::vector<View> list(const Json& object, const char* key, View (*decode)(const Json&))
{
    std::vector<View> views;
    for_each(object, key, [&](const Json& value) { views.push_back(decode(value)); });
    return views;
}

/// Parses the text and has `from` make something of it; Unexpected becomes an Error.
void read_document(std::string_view text, const std::function<void(const Json&)>& read);
template <class T> Result<T> decode(std::string_view json, T (*from)(const Json&))
{
    try {
        std::optional<T> made;
        read_document(json, [&](const Json& document) { made.emplace(from(document)); });
        return std::move(*made);
    } catch (const Unexpected& wrong) {
        return Error{std::string(wrong.what()), {}, 0};
    }
}

/// What is wrong with a person's reason, which logs and terminals show as it is: it is too long, or
/// no line of plain text. None: nothing is.
std::optional<std::string> wrong_reason(std::string_view why);

/// What is no text is an empty one.
std::string sentence_from(const Json& json);

// Documents that stand in others.
core::OutageView outage_from(const Json& json);
core::DeploymentView deployment_from(const Json& json);
/// What a request says of a release; whatever is wrong with it is thrown.
core::DeployTerms deploy_terms_from(const Json& json);
/// An outcome of a later version counts as a failure.
std::optional<core::OperationResult::Outcome> outcome_if_any(const Json& json);
core::OperationRecord operation_record_from(const Json& json);

} // namespace keel::control
