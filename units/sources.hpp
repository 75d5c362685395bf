// The texts that a configuration is made of: which files there are, and what stands in them.
//
//   /etc/keel/keel.toml                    keeld itself, and defaults for units
//   /etc/keel/units/NAME.toml              a unit; hides the vendor's unit of the same name
//   /usr/lib/keel/units/NAME.toml          a unit that a package ships
//   …/NAME.toml.d/*.toml                   its drop-ins, of both folders, in the order of their
//                                          names; one of /etc hides the vendor's of the same name
//
// Hidden files, and files and folders with other endings, are not looked at. Reads files of bounded
// size and number, blocks on nothing but the disk, and knows nothing of what the texts say.
#pragma once
#include "units/problem.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keel::units {

/// One file: its path as it was found, and what stands in it or why that is not known.
struct Source {
    std::string path;
    std::variant<std::string, Mistake> text;
};

struct UnitSources {
    std::string name; ///< from the file's name: `/etc/keel/units/api.toml` is `api`
    Source file;
    std::vector<Source> drop_ins; ///< a later one has the last word
};

/// Where a configuration is. A place that is empty text is left out.
struct Places {
    std::string units;          ///< a problem if it is not there
    std::string vendor_units{}; ///< need not be there
    std::string daemon{};       ///< keel.toml; need not be there
};

/// The same of a configuration that was stored whole in one folder.
Places places_in(const std::string& folder);

struct Collected {
    Source daemon;                  ///< keel.toml; a file that is not there says nothing
    std::vector<UnitSources> units; ///< sorted by name
    std::vector<Problem> problems;  ///< of the folders, and drop-ins of no unit
};

inline constexpr std::string_view unit_file_extension = ".toml";
inline constexpr std::string_view daemon_file_name = "keel.toml";
inline constexpr std::string_view drop_in_folder_extension = ".toml.d";

/// More units than this in one folder are refused, and more drop-ins than that of one unit.
inline constexpr std::size_t units_max = 10'000;
inline constexpr std::size_t drop_ins_max = 100;

/// The last part of a path without its extension, whether or not it can be the name of a unit.
std::string unit_name_of(std::string_view file);

Collected collect(const Places& places);

/// One file by itself.
Source collect_source(const std::string& path);

/// One file and the drop-ins beside it, whatever its name.
UnitSources collect_file(const std::string& path);

} // namespace keel::units
