// A TOML file as a tree of values that remember where they stand.
//
// parse_document() promises a tree of bounded depth or one Problem, for any bytes whatsoever. It
// knows TOML and nothing of unit files; merging drop-ins and defaults happens on this tree too.
#pragma once
#include "units/problem.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keel::units {

struct Value;
struct Entry;
using List = std::vector<Value>;
using Table = std::vector<Entry>;

/// A date or time, which no key of a unit file takes.
struct Moment {};

struct Value {
    Position at;
    std::variant<bool, std::int64_t, double, std::string, Moment, List, Table> data;
};

struct Entry {
    std::string key;
    Position at; ///< of the key; of the value it is value.at
    Value value;
};

/// Files are refused beyond this many bytes.
inline constexpr std::size_t document_size_max = 1U << 20;

/// The top-level table with its entries in no particular order, or why the text is not TOML.
std::variant<Table, Problem> parse_document(std::string_view text, const std::string& file);

/// "a string", "an integer", … as messages name what was found.
std::string_view type_name(const Value& value);

} // namespace keel::units
