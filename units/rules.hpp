// What the texts of a unit file must look like: paths, URLs, addresses, names, expressions.
//
// A TextRule is a named kind of text with its check; the schema's rows point at them. All rules
// are pure: whether a path exists or a user is known is the business of units/host_check.hpp.
#pragma once
#include "units/names.hpp"
#include "units/problem.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::units {

struct TextRule {
    std::string_view type;    ///< for documents and messages: "a host:port pair"
    std::string_view example; ///< as it is written in a unit file, with its quotes
    std::optional<Mistake> (*check)(std::string_view text); ///< placeholders already filled in
};

/// Any text on one line, without control characters.
extern const TextRule one_line;
/// Any bytes; they are not shown but sent or compared.
extern const TextRule any_bytes;
extern const TextRule absolute_path;
extern const TextRule account_name; ///< of a user or group, or a number
extern const TextRule unit_name;
extern const TextRule probe_name;
extern const TextRule channel_name;
extern const TextRule web_url;   ///< http:// or https://
extern const TextRule probe_url; ///< http://, https:// or unix:/path.sock:/request-path
extern const TextRule host_and_port;
extern const TextRule listen_address; ///< of this host, with a port, or `off`
extern const TextRule http_method;
extern const TextRule expression; ///< regular expression, as units/expression.hpp reads it

/// Entries of a table of texts: what its keys and its values must look like.
struct MapRule {
    std::string_view type;
    std::string_view example;
    std::optional<Mistake> (*check_key)(std::string_view text);
    std::optional<Mistake> (*check_value)(std::string_view text);
};
extern const MapRule environment_entries;
extern const MapRule header_entries;
extern const MapRule label_entries; ///< labels of a Prometheus series

/// A word of a command or an environment value longer than this is refused by the kernel.
inline constexpr std::size_t argument_length_max = (128U << 10) - 1;

/// A command as words, after the loader has split it: not empty, a program's name first.
std::optional<Mistake> check_command(const std::vector<std::string>& words);

/// A lone `|`, `&&`, `>` …: somebody takes the command for a shell's.
std::optional<Mistake> check_no_shell(const std::vector<std::string>& words);

} // namespace keel::units
