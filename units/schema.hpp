// The language of unit files, and that of keel.toml, each as a table: every key with its type,
// range, default, meaning, the version it came with, and when a change of it takes effect.
//
// A Language is the only list of its keys; schema() are those of a unit. Reading (reader.hpp),
// showing (show.hpp), "did you mean" and the documents (markdown.hpp) all walk it; a new key is one
// new row. A row is bound to its place in the Draft by a Slot, so no second list says where a value
// goes. Defaults are not written here either: they are what a fresh Draft shows.
#pragma once
#include "units/daemon_spec.hpp"
#include "units/rules.hpp"
#include "units/spec.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace keel::units {

struct Notes; // units/reader.hpp
struct Place;

// ---- where values go ---------------------------------------------------------------------------

/// One [[probe]] while it is read: which target it has is only known at its end.
struct ProbeDraft {
    ProbeSpec common;
    HttpTarget http;
    TcpTarget tcp;
    ExecTarget exec;
};

/// A unit while it is read, with the probe that is being read; or what keel.toml says.
struct Draft {
    UnitSpec unit;
    ProbeDraft probe;
    DaemonSpec daemon{};
    NamedHook hook{};      ///< that is being read
    ChannelSpec channel{}; ///< that is being read
    DeployStepSpec step{}; ///< that is being read
};

/// The place of one value in a Draft.
template <class T> struct Slot {
    T (*get)(const Draft&);
    void (*set)(Draft&, T);
};

// ---- what a value may be -----------------------------------------------------------------------

/// Braces are just braces; or {placeholders} are filled in later, for each instance; or once for
/// each release: {release}, which is its ID there, and {unit}.
enum class Braces : std::uint8_t { plain, placeholders, release_id };

struct Boolean {
    Slot<bool> slot;
};
struct Integer {
    Slot<std::int64_t> slot;
    std::int64_t min, max;
};
struct Number {
    Slot<double> slot;
    double min, max;
};
struct Span {
    Slot<Duration> slot;
    Duration min, max;
};
struct Size {
    Slot<std::uint64_t> slot; ///< bytes
    std::uint64_t min, max;
};
/// "150%"
struct Percent {
    Slot<std::uint32_t> slot;
    std::uint32_t min, max;
};
struct Text {
    Slot<std::string> slot;
    const TextRule* rule;
    std::size_t length_max; ///< bytes
    Braces braces = Braces::plain;
};
/// A command: a list of words, or one string that is split into words.
struct Command {
    Slot<std::vector<std::string>> slot;
    std::size_t words_max;
};
struct TextMap {
    Slot<std::map<std::string, std::string>> slot;
    const MapRule* rule;
    std::size_t entries_max;
    Braces braces = Braces::placeholders;
};
/// One word of a closed set; the slot holds its place in `words`.
struct Choice {
    Slot<std::uint8_t> slot;
    std::span<const std::string_view> words;
    /// Words that a later version will know; those that end in `:` take an argument.
    std::span<const std::string_view> later;
};
/// What makes a start a success, as one text: a word, `log:` and an expression, `fd:` and a number.
struct ReadyWhen {
    ReadyBy by = ReadyBy::exec;
    std::string line;
    int fd = 0;
    friend bool operator==(const ReadyWhen&, const ReadyWhen&) = default;
};
struct Readiness {
    Slot<ReadyWhen> slot;
    std::span<const std::string_view> words; ///< those that stand alone
    int fd_min, fd_max;
};
/// Rungs, as they are climbed: words of a closed set, and `run:` with the name of a hook.
struct Rungs {
    Slot<std::vector<Rung>> slot;
    std::span<const std::string_view> words; ///< those that stand alone
    std::span<const std::string_view> later;
    std::optional<Mistake> (*check)(const std::vector<Rung>&);
};
/// Several words of a closed set, each at most once. A single string stands for a list of one.
struct Choices {
    Slot<std::vector<std::uint8_t>> slot;
    std::span<const std::string_view> words;
    std::span<const std::string_view> later;
    std::optional<Mistake> (*check)(const std::vector<std::uint8_t>&);
};
struct SignalName {
    Slot<int> slot;
};
/// A list of texts of one rule, each at most once.
struct Texts {
    Slot<std::vector<std::string>> slot;
    const TextRule* rule;
    std::size_t texts_max;
    std::string_view what; ///< plural: "groups"
};
/// A file mode as people write it: octal digits in quotes.
struct FileMode {
    Slot<std::uint32_t> slot;
    std::uint32_t max;
};
/// Numbers of processors and ranges of them.
struct Processors {
    Slot<std::vector<std::uint16_t>> slot;
    std::uint16_t number_max;
};
/// What a resource limit is counted in.
enum class Measure : std::uint8_t { count, bytes, seconds, microseconds };
/// "soft:hard", or one value for both; "unlimited" is one.
struct Limit {
    Slot<std::optional<ResourceLimit>> slot;
    Measure measure;
};
/// Exit codes and signal names.
struct ExitMatches {
    Slot<std::vector<ExitMatch>> slot;
    std::size_t matches_max;
};
/// HTTP status codes and ranges of them.
struct StatusRanges {
    Slot<std::vector<StatusRange>> slot;
    std::size_t ranges_max;
};
/// `[name]`: the rows whose path continues this one with a dot.
struct Section {};
/// `[[name]]`: the rows whose path continues this one with `[].`.
struct Sections {
    std::size_t sections_max;
    void (*begin)(Draft&); ///< makes room for the next
    /// Puts the one that was read where it belongs; `Place` is where it stands.
    void (*keep)(Draft&, const Place&, const Notes&, Report&);
};
/// `[name.NAME]`, any number of times: the rows whose path continues this one with `.NAME.`.
struct NamedSections {
    std::size_t sections_max;
    /// Puts the one that was read where it belongs, and makes room for the next.
    void (*keep)(Draft&, const std::string& name);
};
/// `[name]`, below which stands whatever a unit file may say.
struct UnitKeys {};
/// Known to the language, but not to this version of Keel.
struct Later {};

using Kind =
    std::variant<Boolean, Integer, Number, Span, Size, Percent, Text, Command, TextMap, Choice,
                 Readiness, Rungs, Choices, SignalName, Texts, FileMode, Processors, Limit,
                 ExitMatches, StatusRanges, Section, Sections, NamedSections, UnitKeys, Later>;

/// Whether it is a key with a value, and neither a section nor a key that is yet to come.
bool takes_value(const Kind& kind);

// ---- the table ---------------------------------------------------------------------------------

/// When a change of the key, once applied, is felt.
enum class TakesEffect : std::uint8_t { live, next_start, restart };

enum class Presence : std::uint8_t { optional, required };

struct Key {
    std::string_view path; ///< `command`, `restart.delay`, `probe[].interval`, `hook.NAME.timeout`
    Kind kind;
    TakesEffect takes_effect;
    std::string_view meaning;        ///< one line
    std::string_view default_text{}; ///< where the default is more than a value
    std::string_view only_with{};    ///< a key of the same section without which it means nothing
    Presence presence = Presence::optional;
    std::string_view since = "0.1"; ///< version of Keel
};

/// Every key of a unit file, in the order of the documents: the top-level ones, then section by
/// section.
std::span<const Key> schema();

/// Keys, and where they stand.
struct Language {
    std::span<const Key> keys;
    std::string_view within;    ///< the section below which they stand: nothing, or `defaults.`
    std::string_view reference; ///< the document that lists them
};
const Language& unit_language();
/// Of keel.toml.
const Language& daemon_language();
/// The keys of a unit file below [defaults] of keel.toml.
const Language& defaults_language();

/// The part of a path in front of its last name: `restart.`, `probe[].`, or nothing.
std::string_view parent_of(std::string_view path);
/// The last name of a path: `delay`.
std::string_view last_name(std::string_view path);

} // namespace keel::units

namespace keel {
template <>
inline constexpr std::array names_of<units::TakesEffect> =
    std::to_array<std::string_view>({"live", "next start", "restart"});
} // namespace keel
