// The reference of unit files, docs/generated/unit-file.md, rendered from the schema.
#pragma once
#include <string>

namespace keel::units {

/// The whole file. A test holds the committed one to it.
std::string unit_file_markdown();

} // namespace keel::units
