// The commands of `keel` and their options, said once: the parser, the help, the completions of
// shells and the manual page are made from this table. It knows nothing of what a command does.
//
// A new command is a row here and a line in runners.cpp, which says whom to call.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace keel::cli {

/// What a word of the command line stands for, so that a shell can complete it.
enum class Names : std::uint8_t {
    nothing_known, ///< a duration, a reason: whatever it is, it cannot be guessed
    units,
    instances,  ///< or units
    deployed,   ///< units that have a release
    releases,   ///< of a unit, that it can be given
    denied,     ///< releases of a unit
    operations, ///< their numbers
    files,
    folders,
    states, ///< of `keel wait --for`
    shells,
    commands
};

struct Option {
    std::string_view flag{};    ///< `--timeout`
    std::string_view value{};   ///< what the help calls its value: `D`; empty: a switch
    std::string_view meaning{}; ///< one sentence; lines, where it has line breaks
    char letter = 0;            ///< `f` for `-f`; 0: none
    Names names = Names::nothing_known;
    enum class Presence : std::uint8_t { optional, required } presence = Presence::optional;

    [[nodiscard]] bool is_switch() const { return value.empty(); }
};

/// What stands after the command's name besides options.
struct Words {
    std::string_view form{}; ///< as the help has it: `UNIT…|--all`
    Names names = Names::nothing_known;
    std::size_t min = 0; ///< without --all, where that is an option
    std::size_t max = 0;
    enum class Completed : std::uint8_t { all, first } completed = Completed::all;
    Names second = Names::nothing_known; ///< of the unit that the first word names
};
inline constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();

struct Command {
    std::string_view name{};
    std::string_view summary{}; ///< one line
    Words words{};
    std::span<const Option> options{};
    std::string_view text{};  ///< paragraphs between empty lines
    std::string_view after{}; ///< below the options: paragraphs, and examples, which are indented
};

/// In the order in which the help lists them.
std::span<const Command> commands();
/// nullptr: there is no such command.
const Command* find_command(std::string_view name);
/// Options that every command has.
std::span<const Option> common_options();

/// What an exit code means, in the order of the codes from 0.
std::span<const std::string_view> exit_meanings();

/// `keel logs UNIT|INSTANCE [-f] [-n N]`
std::string usage_of(const Command& command);
/// `-n, --lines N`
std::string form_of(const Option& option);

} // namespace keel::cli
