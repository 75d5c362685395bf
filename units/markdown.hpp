// The references of unit files and of keel.toml, docs/generated/*.md, rendered from the schemas.
#pragma once
#include <string>

namespace keel::units {

/// The whole of unit-file.md. A test holds the committed one to it.
std::string unit_file_markdown();
/// The same of keel-toml.md.
std::string daemon_file_markdown();

} // namespace keel::units
