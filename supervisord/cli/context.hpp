// What every command of `keel` gets: where the daemon is, how to print, and how to end.
#pragma once
#include "base/time.hpp"
#include "control/client.hpp"

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace keel::cli {

/// The contract with scripts; `keel help exit` lists them.
enum class Exit : int {
    done = 0,
    failed = 1,
    usage = 2,
    not_up = 3,
    not_allowed = 4,
    unreachable = 5,
    conflict = 6,
    timed_out = 7
};

Exit exit_for(control::Trouble::Kind kind);

enum class Format : std::uint8_t { people, json };
enum class Colour : std::uint8_t { off, on };

/// The output as the terminal, or its absence, has it.
struct Screen {
    Colour colour = Colour::off;
    std::optional<std::size_t> width; ///< columns; none: no terminal, nothing is cut
};
/// Of stdout; heeds NO_COLOR and COLUMNS.
Screen screen_of_stdout();

struct Context {
    std::string root; ///< --root or KEEL_ROOT; empty: the host's own places
    std::string socket_path;
    Format format = Format::people;
    Screen screen;

    [[nodiscard]] bool as_json() const { return format == Format::json; }
};

/// `ROOT/run/keel/control.sock`; without a root, a user's own daemon is looked for first.
std::string control_socket_path(const std::string& root);

/// To stdout at once, so that a pipe sees it as it comes. False: nobody reads any more.
bool print(std::string_view text);
/// `keel: text` and the hint below it, to stderr.
void complain(std::string_view text, std::string_view hint = {});
/// Tells of a trouble and gives the exit code for it.
Exit give_up(const control::Trouble& trouble);

WallTime wall_now();

} // namespace keel::cli
