// Where a release comes from, as text: what kind of place it is, and how to speak of it in public.
#pragma once
#include <string>
#include <string_view>

namespace keel::deploy {

enum class SourceKind { local, http, https };
/// By its scheme alone. Any other scheme is a name of a file here.
[[nodiscard]] SourceKind source_kind(std::string_view source);

/// Printable, and of a URL neither its user and password nor its query, which may be secrets.
[[nodiscard]] std::string shown_source(std::string_view source);

/// Its last component: `app-1.2.tar.zst`. Of a URL without query; may be empty.
[[nodiscard]] std::string base_name_of(std::string_view source);

} // namespace keel::deploy
