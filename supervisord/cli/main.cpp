// keel: shows and steers what keeld supervises. Here the command line becomes a call; nothing else.
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/help.hpp"
#include "cli/runners.hpp"

#include <algorithm>
#include <CLI/CLI.hpp>
#include <csignal>
#include <fmt/format.h>
#include <map>

namespace keel::cli {
namespace {

/// What was given of the options that the command has.
Arguments arguments_in(const CLI::App& parsed, const Command& command)
{
    std::map<std::string, std::string, std::less<>> options;
    for (const auto known : {command.options, common_options()})
        for (const Option& option : known) {
            const std::string flag(option.flag);
            if (parsed.count(flag) == 0) continue;
            options[flag] = option.is_switch() ? "" : parsed[flag]->as<std::string>();
        }
    return {std::move(options), parsed.remaining()};
}

/// Takes the command out of the words: the first one that is neither an option nor --root's value.
std::string take_command(std::vector<std::string>& words)
{
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == "--root") {
            ++i;
        } else if (!words[i].starts_with('-')) {
            std::string command = std::move(words[i]);
            words.erase(words.begin() + static_cast<std::ptrdiff_t>(i));
            return command;
        }
    }
    return {};
}

bool takes(std::vector<std::string>& words, std::initializer_list<std::string_view> flags)
{
    return std::erase_if(words, [&](const std::string& word) {
               return std::ranges::find(flags, word) != flags.end();
           }) > 0;
}

const Command& known_command(std::string_view name)
{
    if (const auto* command = find_command(name); command != nullptr) return *command;
    std::vector<std::string_view> known;
    for (const auto& command : commands())
        known.push_back(command.name);
    const auto near = nearest(name, known);
    throw Wrong{fmt::format("there is no command `{}`", printable(name, 64)),
                near ? fmt::format("did you mean `{}`?", *near) : "`keel help` lists the commands"};
}

Exit show_help(std::string_view about)
{
    const std::size_t columns =
        std::min(page_columns, screen_of_stdout().width.value_or(page_columns));
    if (about.empty())
        print(overview(columns));
    else if (about == "exit")
        print(exit_page());
    else
        print(help_page(known_command(about), columns));
    return Exit::done;
}

/// Only the command that was named is described to the parser: the others cost time at every start.
void describe(CLI::App& app, const Command& command)
{
    app.set_help_flag();
    app.allow_extras(); // words, and what is wrong, which we tell in our own words
    for (const auto options : {command.options, common_options()})
        for (const Option& option : options) {
            std::string names(option.flag);
            if (option.letter != 0) names += fmt::format(",-{}", option.letter);
            option.is_switch() ? app.add_flag(names) : app.add_option(names);
        }
}

[[noreturn]] void refuse_option(const Command& command, std::string_view name)
{
    std::vector<std::string_view> known;
    for (const auto options : {command.options, common_options()})
        for (const Option& option : options)
            known.push_back(option.flag);
    const auto near = nearest(name, known);
    throw Wrong{fmt::format("`keel {}` has no option `{}`", command.name, printable(name, 64)),
                near ? fmt::format("did you mean `{}`?", *near)
                     : fmt::format("`keel help {}`", command.name)};
}

/// Too few words, too many, or what looks like an option and is none.
void refuse_wrong_words(const Command& command, const Arguments& arguments)
{
    const auto& words = arguments.words();
    for (const std::string& word : words)
        if (word.starts_with('-')) refuse_option(command, word);
    const std::string help = fmt::format("`keel help {}`", command.name);
    const bool can_be_all = command.words.form.find("--all") != std::string_view::npos;
    if (words.size() < command.words.min && !can_be_all)
        throw Wrong{fmt::format("{} what? It goes `{}`", command.name, usage_of(command)), help};
    if (words.size() < command.words.min && !arguments.has("--all"))
        throw Wrong{fmt::format("{} what? Name units, or say --all", command.name), help};
    if (words.size() > command.words.max)
        throw Wrong{
            fmt::format("`{}` is one word too many", printable(words[command.words.max], 64)),
            fmt::format("it goes `{}`", usage_of(command))};
}

/// `--lines: 1 required  missing` in our words.
Wrong misuse_of_option(const Command& command, std::string_view told)
{
    const std::string_view name = told.substr(0, told.find(':'));
    for (const auto options : {command.options, common_options()})
        for (const Option& option : options)
            if (option.flag == name && !option.is_switch())
                return {fmt::format("{} takes one {}", name, option.value),
                        fmt::format("`keel help {}`", command.name)};
    return {std::string(told), fmt::format("`keel help {}`", command.name)};
}

Exit run(std::vector<std::string> words)
{
    const bool wants_help = takes(words, {"-h", "--help"});
    const bool wants_version = takes(words, {"--version"});
    std::string name = take_command(words);
    if (name == "help") return show_help(take_command(words));
    if (wants_help) return show_help(name);
    if (wants_version) name = "version";
    if (name.empty()) {
        show_help({});
        throw Wrong{"which command?", {}};
    }
    const Command& command = known_command(name);
    CLI::App app;
    describe(app, command);
    try {
        std::ranges::reverse(words); // as the parser wants them
        app.parse(words);
    } catch (const CLI::ParseError& wrong) {
        throw misuse_of_option(command, wrong.what());
    }
    const Arguments arguments = arguments_in(app, command);
    refuse_wrong_words(command, arguments);
    return run_command(name, arguments);
}

} // namespace
} // namespace keel::cli

int main(int count, char** words)
{
    using namespace keel::cli;
    // A reader that goes away (`keel logs | head`) ends us quietly, by a failed write.
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return static_cast<int>(run({words + 1, words + count}));
    } catch (const Wrong& wrong) {
        complain(wrong.text, wrong.hint);
        return static_cast<int>(Exit::usage);
    } catch (const std::exception& failure) {
        complain(failure.what());
        return static_cast<int>(Exit::failed);
    }
}
