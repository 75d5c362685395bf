// `{unit}`, `{instance}`, `{port}` and the like in the texts of a unit file; `{{` and `}}` are
// braces.
//
// The names stand once, in placeholders(). The loader checks every text when it is read, so that
// filling in cannot fail later; what a placeholder stands for is told by the caller.
#pragma once
#include "units/problem.hpp"
#include "units/spec.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keel::units {

struct PlaceholderValues {
    std::string unit;        ///< the unit's name
    std::string instance;    ///< slot of the instance, from 1
    std::string port;        ///< port_base + slot − 1; empty without port_base
    std::string release;     ///< directory of the release; in a source, its ID
    std::string runtime_dir; ///< directory under /run/keel that belongs to the unit
};

struct Placeholder {
    std::string_view name;
    std::string PlaceholderValues::*value;
    std::string_view meaning;
};

/// All there are, in the order of the documents.
std::span<const Placeholder> placeholders();

/// The values for one instance. `release` stays empty.
PlaceholderValues placeholder_values(const UnitSpec& spec, std::uint16_t slot,
                                     std::string runtime_dir);

/// The first mistake in the use of braces, or none.
std::optional<Mistake> check_placeholders(std::string_view text);
/// The same for a text that says where releases come from: it has {release} and {unit} only.
std::optional<Mistake> check_source_placeholders(std::string_view text);

/// Whether `{name}` occurs, doubled braces not counting.
bool uses_placeholder(std::string_view text, std::string_view name);

/// Text with each placeholder replaced. What is no placeholder stays as it is.
std::string fill(std::string_view text, const PlaceholderValues& values);
std::vector<std::string> fill(const std::vector<std::string>& texts,
                              const PlaceholderValues& values);
/// Values only; the keys of environment and headers are names.
std::map<std::string, std::string> fill(const std::map<std::string, std::string>& texts,
                                        const PlaceholderValues& values);
/// Everything of the target but `body`, which is a regular expression and full of braces.
ProbeTarget fill(const ProbeTarget& target, const PlaceholderValues& values);

/// Where the release of this ID is: what {release} stands for.
std::string release_directory(const UnitSpec& spec, std::string_view id);
/// `source` or `checksums` of [deploy] for the release of this ID.
std::string fill_source(const UnitSpec& spec, std::string_view text, std::string_view id);

} // namespace keel::units
