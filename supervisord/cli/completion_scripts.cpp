// The completion scripts. Each is a frame in the shell's own language, in which what the table of
// commands says is filled in.
#include "cli/command_table.hpp"
#include "cli/commands.hpp"
#include "cli/completion.hpp"

#include <fmt/format.h>
#include <vector>

namespace keel::cli {
namespace {

std::vector<Option> options_of(const Command& command)
{
    std::vector<Option> options(command.options.begin(), command.options.end());
    options.insert(options.end(), common_options().begin(), common_options().end());
    return options;
}

/// The words that can stand for such names, where they are always the same.
std::string fixed_words(Names names)
{
    switch (names) {
    case Names::states: return fmt::format("{}", fmt::join(wait_states(), " "));
    case Names::shells: return fmt::format("{}", fmt::join(names_of<Shell>, " "));
    case Names::commands: {
        std::string words;
        for (const Command& command : commands())
            words += std::string(command.name) + " ";
        return words + "exit";
    }
    case Names::nothing_known:
    case Names::units:
    case Names::instances:
    case Names::deployed:
    case Names::releases:
    case Names::denied:
    case Names::operations:
    case Names::files:
    case Names::folders: break;
    }
    return {};
}

/// Names that the daemon knows: what `keel completion` is asked for.
std::string_view asked_for(Names names)
{
    switch (names) {
    case Names::units: return "units";
    case Names::instances: return "instances";
    case Names::deployed: return "deployed";
    case Names::releases: return "releases";
    case Names::denied: return "denied";
    case Names::operations: return "operations";
    case Names::nothing_known:
    case Names::files:
    case Names::folders:
    case Names::states:
    case Names::shells:
    case Names::commands: break;
    }
    return {};
}

/// `text` with a backslash before each of the characters.
std::string escaped(std::string_view text, std::string_view characters)
{
    std::string out;
    for (const char c : text) {
        if (characters.find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

/// As one word of a shell script.
std::string quoted(std::string_view text)
{
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? "'\\''" : std::string(1, c);
    return out + "'";
}

/// Whether what completes its first word completes those that follow, too.
bool completes_all(const Command& command)
{
    return command.words.max > 1 && command.words.completed == Words::Completed::all;
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

void replace(std::string& text, std::string_view mark, std::string_view with)
{
    text.replace(text.find(mark), mark.size(), with);
}

// ---- bash ---------------------------------------------------------------------------------------

constexpr std::string_view bash_frame =
    R"sh(# bash completion for keel, made by `keel completion bash`.

# Candidates that begin with $1, from what follows.
__keel_words() {
    local start=$1; shift
    mapfile -t COMPREPLY < <(compgen -W "$*" -- "$start")
}

# Candidates of kind $2 that begin with $1; of kind words they are $3, else $3 is the unit that they
# are of.
__keel_complete() {
    case $2 in
        units | instances | deployed | operations)
            __keel_words "$1" "$(keel "${root[@]}" completion "$2")" ;;
        releases | denied) __keel_words "$1" "$(keel "${root[@]}" completion "$2" "$3")" ;;
        files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$1") ;;
        folders) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$1") ;;
        words) __keel_words "$1" "$3" ;;
    esac
} 2>/dev/null

_keel() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' given=() root=() i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --root) root=(--root "${COMP_WORDS[++i]}") ;;
            -*) ;;
            *) given+=("${COMP_WORDS[i]}") ;;
        esac
    done
    command=${given[0]-} given=("${given[@]:1}")
    if [[ $previous == --root ]]; then __keel_complete "$current" folders; return; fi
    case $command:$previous in
@VALUES@    esac
    local options kind='' fixed=''
    case $command in
@COMMANDS@    esac
    if [[ $current == -* ]]; then
        __keel_words "$current" "$options"
    else
        __keel_complete "$current" "$kind" "$fixed"
    fi
}
complete -F _keel keel
)sh";

/// `kind=words fixed='bash zsh fish'`, or arguments likewise.
std::string bash_kind(Names names, std::string_view form)
{
    if (const std::string words = fixed_words(names); !words.empty())
        return fmt::format(fmt::runtime(form), "words", quoted(words));
    std::string_view kind = asked_for(names);
    if (names == Names::files) kind = "files";
    if (names == Names::folders) kind = "folders";
    return fmt::format(fmt::runtime(form), kind, "''");
}

std::string bash_script()
{
    std::string values;
    std::string rows;
    const auto add = [&](std::string_view name, std::string_view options, const std::string& kind) {
        rows += fmt::format("        {}) options={} {} ;;\n", name, quoted(options), kind);
    };
    std::string common;
    for (const Option& option : common_options())
        common += fmt::format("{} ", option.flag);
    add("''", common + "--version", bash_kind(Names::commands, "kind={} fixed={}"));
    for (const Command& command : commands()) {
        std::string options;
        for (const Option& option : options_of(command)) {
            options += fmt::format("{} ", option.flag);
            if (option.is_switch() || option.flag == "--root") continue;
            std::string pattern = fmt::format("{}:{}", command.name, option.flag);
            if (option.letter != 0)
                pattern += fmt::format(" | {}:-{}", command.name, option.letter);
            values += fmt::format("        {}) {}; return ;;\n", pattern,
                                  bash_kind(option.names, "__keel_complete \"$current\" '{}' {}"));
        }
        std::string kind = bash_kind(command.words.names, "kind='{}' fixed={}");
        if (command.words.max > 1 && !completes_all(command))
            kind += "; ((${#given[@]})) && kind=''";
        if (const std::string_view second = asked_for(command.words.second); !second.empty())
            kind += fmt::format("; ((${{#given[@]}} == 1)) && kind={} fixed=${{given[0]}}", second);
        add(command.name, options, kind);
    }
    std::string script(bash_frame);
    replace(script, "@VALUES@", values);
    replace(script, "@COMMANDS@", rows);
    return script;
}

// ---- zsh ----------------------------------------------------------------------------------------

constexpr std::string_view zsh_frame = R"sh(#compdef keel
# zsh completion for keel, made by `keel completion zsh`.

# What kind of names is the last argument; before it stand options for compadd. Those of a unit are
# of the one that is the first word.
_keel_names() {
    local -a names unit
    [[ $@[-1] == (releases|denied) ]] && unit=(${(q)line[1]})
    (( $+opt_args[--root] )) && root=(--root $opt_args[--root])
    names=(${(f)"$(_call_program names keel $root completion $@[-1] $unit 2>/dev/null)"})
    compadd "${(@)@[1,-2]}" -a names
}

_keel_commands() {
    local -a commands=(
@SUMMARIES@    )
    _describe -t commands command commands
}

_keel() {
    local curcontext=$curcontext state line
    local -a root
    local -A opt_args
    _arguments -C @COMMON@ \
        '--version[the versions of keel and of the running keeld]' \
        '1:command:_keel_commands' '*::argument:->arguments'
    (( $+opt_args[--root] )) && root=(--root $opt_args[--root])
    [[ $state == arguments ]] || return
    case $words[1] in
@COMMANDS@    esac
}

if [[ $funcstack[1] == _keel ]]; then _keel "$@"; else compdef _keel keel; fi
)sh";

/// What completes such a name, as the last part of a specification of _arguments.
std::string zsh_action(Names names)
{
    if (const std::string_view what = asked_for(names); !what.empty())
        return fmt::format("_keel_names {}", what);
    if (names == Names::files) return "_files";
    if (names == Names::folders) return "_files -/";
    const std::string words = fixed_words(names);
    return words.empty() ? " " : fmt::format("({})", words);
}

std::string zsh_option(const Option& option)
{
    std::string text = fmt::format("[{}]", escaped(first_line(option.meaning), "[]:\\"));
    if (!option.is_switch()) text += fmt::format(":{}:{}", option.value, zsh_action(option.names));
    if (option.letter == 0) return quoted(fmt::format("{}{}", option.flag, text));
    return fmt::format("'(-{0} {1})'{{-{0},{1}}}{2}", option.letter, option.flag, quoted(text));
}

std::string zsh_script()
{
    std::string summaries;
    std::string rows;
    std::string common;
    for (const Option& option : common_options())
        common += zsh_option(option) + " ";
    common.pop_back();
    for (const Command& command : commands()) {
        summaries += fmt::format(
            "        {}\n",
            quoted(fmt::format("{}:{}", command.name, escaped(command.summary, ":\\"))));
        std::string row = fmt::format("        {}) _arguments", command.name);
        for (const Option& option : options_of(command))
            row += fmt::format(" \\\n            {}", zsh_option(option));
        if (command.words.max > 0)
            row += fmt::format(" \\\n            {}",
                               quoted(fmt::format("{}:{}:{}", completes_all(command) ? "*" : "1",
                                                  escaped(command.words.form, ":\\"),
                                                  zsh_action(command.words.names))));
        if (command.words.second != Names::nothing_known)
            row += fmt::format(" \\\n            '2:RELEASE:{}'", zsh_action(command.words.second));
        rows += row + " ;;\n";
    }
    std::string script(zsh_frame);
    replace(script, "@SUMMARIES@", summaries);
    replace(script, "@COMMON@", common);
    replace(script, "@COMMANDS@", rows);
    return script;
}

// ---- fish ---------------------------------------------------------------------------------------

constexpr std::string_view fish_frame =
    R"(# fish completion for keel, made by `keel completion fish`.

function __keel_names
    set -l words (commandline -opc)
    set -l root
    if set -l at (contains -i -- --root $words)
        set root --root $words[(math $at + 1)]
    end
    keel $root completion $argv 2>/dev/null
end

# keel, the command, and what follows it, without options.
function __keel_given
    set -l words (commandline -opc)
    if set -l at (contains -i -- --root $words)
        set -e words[$at..(math $at + 1)]
    end
    string match -v -- '-*' $words
end

complete -c keel -f
)";

std::string fish_arguments(Names names)
{
    if (const std::string_view what = asked_for(names); !what.empty())
        return fmt::format(" -a '(__keel_names {})'", what);
    if (names == Names::files) return " -F";
    if (names == Names::folders) return " -a '(__fish_complete_directories)'";
    const std::string words = fixed_words(names);
    return words.empty() ? "" : fmt::format(" -a {}", quoted(words));
}

std::string fish_option(const Option& option, std::string_view condition)
{
    std::string line = fmt::format("complete -c keel{} -l {}", condition, option.flag.substr(2));
    if (option.letter != 0) line += fmt::format(" -s {}", option.letter);
    if (option.names == Names::files)
        line += " -r -F"; // -x would say that there are no files.
    else if (!option.is_switch())
        line += " -x" + fish_arguments(option.names);
    return line + fmt::format(" -d {}\n", quoted(escaped(first_line(option.meaning), "\\")));
}

std::string fish_script()
{
    std::string script(fish_frame);
    for (const Option& option : common_options())
        script += fish_option(option, "");
    for (const Command& command : commands())
        script += fmt::format("complete -c keel -n __fish_use_subcommand -a {} -d {}\n",
                              command.name, quoted(command.summary));
    for (const Command& command : commands()) {
        const std::string condition =
            fmt::format(" -n '__fish_seen_subcommand_from {}'", command.name);
        for (const Option& option : command.options)
            script += fish_option(option, condition);
        const bool only_first = command.words.max > 1 && !completes_all(command);
        const std::string when =
            only_first ? fmt::format(" -n '__fish_seen_subcommand_from {}; and test (count "
                                     "(__keel_given)) -eq 2'",
                                     command.name)
                       : condition;
        if (const auto words = fish_arguments(command.words.names); !words.empty())
            script += fmt::format("complete -c keel{}{}\n", when, words);
        if (const auto second = asked_for(command.words.second); !second.empty())
            script += fmt::format("complete -c keel -n '__fish_seen_subcommand_from {}; and test "
                                  "(count (__keel_given)) -eq 3' -a '(__keel_names {} "
                                  "(__keel_given)[3])'\n",
                                  command.name, second);
    }
    return script;
}

} // namespace

std::string completion_script(Shell shell)
{
    switch (shell) {
    case Shell::bash: return bash_script();
    case Shell::zsh: return zsh_script();
    case Shell::fish: return fish_script();
    }
    return {};
}

} // namespace keel::cli
