// A document along the schema: which key each entry is, which are unknown, which are missing.
//
// A Walk reads the tables of one document into one Draft and tells the Report what is wrong. It
// decides nothing about values; each is read by its row (reader.hpp).
#pragma once
#include "units/document.hpp"
#include "units/problem.hpp"
#include "units/reader.hpp"
#include "units/schema.hpp"

#include <cstdint>
#include <string>

namespace keel::units {

/// A fragment may leave out what is required, and a probe in it may have no target.
enum class Extent : std::uint8_t { whole, fragment };

class Walk {
public:
    Walk(const Language& language, Extent extent, Draft& draft, Report& report, Notes& notes)
        : language_(language), extent_(extent), draft_(draft), report_(report), notes_(notes)
    {}

    /// `parent` is the schema's name of the table (`probe[].`), `prefix` that of the problems
    /// (`probe[2].`).
    void read_table(const std::string& parent, const std::string& prefix, const Table& table,
                    Position at);

private:
    void read_entry(const Key& key, const Place& place, const Value& value);
    void read_section(const Key& key, const Place& place, const Value& value);
    void read_sections(const Key& key, const Sections& sections, const Place& place,
                       const Value& value);
    void read_named(const Key& key, const NamedSections& sections, const Place& place,
                    const Value& value);
    void read_defaults(const Place& place, const Value& value);
    void require(const std::string& parent, const std::string& prefix, Position at);

    const Language& language_;
    Extent extent_;
    Draft& draft_;
    Report& report_;
    Notes& notes_;
};

} // namespace keel::units
