// One value of a document into its place in the Draft, by the rules of its row in the schema.
//
// A value that breaks a rule is reported; then the Draft is worth nothing as a unit. What concerns
// several keys at once is validate.hpp's business; for that, the reader notes where each key stood.
#pragma once
#include "units/document.hpp"
#include "units/problem.hpp"
#include "units/schema.hpp"

#include <map>
#include <string>
#include <vector>

namespace keel::units {

/// Where each key that was given stood: `restart.delay`, `probe[1].http` (numbers from 1), and each
/// unit in a list of units: `requires.redis`.
using Positions = std::map<std::string, Position, std::less<>>;

/// What was noticed while reading and can only be judged at the end.
struct Notes {
    Positions positions;
    struct FilledText {
        std::string key;
        Position at;
        std::string text;
    };
    std::vector<FilledText> texts; ///< those in which placeholders are filled in, as they stand
};

/// Where a key stood; the beginning of the file, if it was not given.
Position position_of(const Notes& notes, std::string_view key);

/// Where a value stands and what it is called there.
struct Place {
    std::string key; ///< as messages name it: `probe[2].interval`
    Position at;
};

/// Reads one value by its row. Sections are not values; the loader walks them.
void read_value(const Key& key, const Place& place, const Value& value, Draft& draft,
                Report& report, Notes& notes);

} // namespace keel::units
