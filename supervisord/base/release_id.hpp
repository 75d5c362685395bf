// The name of a release, ID: one component of a path, and safe as one wherever it is put.
//
// `[A-Za-z0-9][A-Za-z0-9._+-]{0,127}`, not ending in `.partial` or `.sha256` and without
// `.former-`, which are in the names of what is not a release yet, or any more, or stands beside
// one. So neither `..` nor a hidden file nor an option can be one. It knows of no file system.
#pragma once
#include <string_view>

namespace keel {

inline constexpr std::size_t release_id_bytes_max = 128;

[[nodiscard]] bool is_release_id(std::string_view text);

/// What a file or a directory is called, without the ending of an archive: `app-1.4` of
/// `/tmp/app-1.4.tar.zst`. It need not be an ID.
[[nodiscard]] std::string_view release_called_as(std::string_view path);

} // namespace keel
