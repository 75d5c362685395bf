// keel: shows and steers what keeld supervises. Here the command line becomes a call; nothing else.
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/hand_over.hpp"
#include "cli/help.hpp"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <fmt/format.h>

namespace keel::cli {
namespace {

struct Wrong {
    std::string text;
    std::string hint;
};

/// What the parser fills in for all commands together; each reads its own part.
struct Arguments {
    std::string root;
    bool json = false;
    bool daemon = false;
    std::vector<std::string> names;
    std::string name;
    bool all = false, no_wait = false, follow = false, watch = false;
    bool running = false;
    std::string timeout, reason, span, state = "ready";
    std::size_t count = 50;
};

std::optional<Duration> duration_of(std::string_view option, const std::string& text)
{
    if (text.empty()) return std::nullopt;
    const auto length = parse_duration(text);
    if (!length)
        throw Wrong{fmt::format("{} `{}` is not a duration", option, printable(text, 64)),
                    "write a number with its unit: 500ms, 30s, 2m"};
    return length;
}

core::HoldTerms hold_terms(const Arguments& arguments)
{
    if (arguments.reason.empty())
        throw Wrong{"a hold needs a reason, for those who wonder", "--reason 'core dump for ann'"};
    core::HoldTerms terms;
    terms.span = duration_of("--for", arguments.span);
    if (terms.span && *terms.span == Duration{0})
        throw Wrong{"a hold for no time at all holds nothing", "leave --for away to hold it until "
                                                               "`keel start`"};
    if (arguments.running) terms.process = core::Held::Process::left_running;
    return terms;
}

LogsOptions::Follow follow_of(const Arguments& arguments)
{
    return arguments.follow ? LogsOptions::Follow::yes : LogsOptions::Follow::no;
}

ChangeOptions change_options(const Arguments& arguments, core::Verb verb)
{
    if (arguments.names.empty() && !arguments.all)
        throw Wrong{fmt::format("{} what? Name units, or say --all", name(verb)),
                    fmt::format("`keel help {}`", name(verb))};
    if (!arguments.names.empty() && arguments.all)
        throw Wrong{"--all and names of units together make no sense", {}};
    ChangeOptions options;
    options.verb = verb;
    options.targets = arguments.names;
    options.scope = arguments.all ? ChangeOptions::Scope::all : ChangeOptions::Scope::named;
    options.wait = arguments.no_wait ? ChangeOptions::Wait::no : ChangeOptions::Wait::yes;
    options.timeout = duration_of("--timeout", arguments.timeout);
    options.reason = arguments.reason;
    if (verb == core::Verb::hold) options.hold = hold_terms(arguments);
    return options;
}

WaitOptions wait_options(const Arguments& arguments)
{
    const auto states = wait_states();
    if (std::ranges::find(states, arguments.state) == states.end()) {
        const std::vector<std::string_view> known(states.begin(), states.end());
        const auto near = nearest(arguments.state, known);
        throw Wrong{fmt::format("there is no state `{}` to wait for", arguments.state),
                    near ? fmt::format("did you mean `{}`?", *near)
                         : fmt::format("there are: {}", fmt::join(states, ", "))};
    }
    return {arguments.names, arguments.state, duration_of("--timeout", arguments.timeout)};
}

/// With its own libraries, which would slow down every other command.
Exit run_elsewhere(std::string_view command, const Context& context,
                   const std::vector<std::string>& paths)
{
    std::vector<std::string> words = {std::string(command), context.root,
                                      context.as_json() ? "json" : "people"};
    words.insert(words.end(), paths.begin(), paths.end());
    return hand_over("config", words);
}

Exit run_command(std::string_view command, const Arguments& arguments)
{
    std::string root = arguments.root;
    if (root.empty())
        if (const char* named = std::getenv("KEEL_ROOT")) root = named;
    while (root.size() > 1 && root.ends_with('/'))
        root.pop_back();
    if (root == "/") root.clear();
    const Context context{root, control_socket_path(root),
                          arguments.json ? Format::json : Format::people, screen_of_stdout()};

    if (command == "status")
        return status(context, {arguments.names, arguments.watch ? StatusOptions::Watch::yes
                                                                 : StatusOptions::Watch::no});
    if (command == "why") return why(context, arguments.name);
    if (const auto verb = from_name<core::Verb>(command))
        return change(context, change_options(arguments, *verb));
    if (command == "logs")
        return logs(context, {arguments.name, arguments.count, follow_of(arguments)});
    if (command == "events")
        return events(context, {arguments.name, arguments.count, follow_of(arguments)});
    if (command == "outages") return outages(context);
    if (command == "wait") return wait(context, wait_options(arguments));
    if (command == "schema")
        return run_elsewhere(command, context,
                             arguments.daemon ? std::vector<std::string>{"daemon"}
                                              : std::vector<std::string>{});
    if (command == "check" || command == "plan")
        return run_elsewhere(command, context, arguments.names);
    return version(context);
}

/// Only the command that was named is described to the parser: the others cost time at every start.
void describe(CLI::App& app, std::string_view command, Arguments& arguments)
{
    app.set_help_flag();
    app.add_option("--root", arguments.root);
    app.add_flag("--json", arguments.json);
    if (command == "status") {
        app.add_option("units", arguments.names);
        app.add_flag("--watch", arguments.watch);
    } else if (command == "why") {
        app.add_option("unit", arguments.name)->required();
    } else if (from_name<core::Verb>(command)) {
        app.add_option("units", arguments.names);
        app.add_flag("--all", arguments.all);
        app.add_flag("--no-wait", arguments.no_wait);
        app.add_option("--timeout", arguments.timeout);
        app.add_option("--reason", arguments.reason);
        if (command != name(core::Verb::hold)) return;
        app.add_option("--for", arguments.span);
        app.add_flag("--running", arguments.running);
    } else if (command == "logs") {
        app.add_option("unit", arguments.name)->required();
        app.add_option("-n,--lines", arguments.count);
        app.add_flag("-f,--follow", arguments.follow);
    } else if (command == "events") {
        app.add_option("-n,--count", arguments.count);
        app.add_flag("-f,--follow", arguments.follow);
        app.add_option("--unit", arguments.name);
    } else if (command == "wait") {
        app.add_option("units", arguments.names)->required();
        app.add_option("--for", arguments.state);
        app.add_option("--timeout", arguments.timeout);
    } else if (command == "schema") {
        app.add_flag("--daemon", arguments.daemon);
    } else if (command == "check") {
        app.add_option("paths", arguments.names);
    }
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

const CommandHelp& known_command(std::string_view command)
{
    if (const auto* page = help_for(command); page != nullptr) return *page;
    std::vector<std::string_view> known;
    for (const auto& page : command_help())
        known.push_back(page.command);
    const auto near = nearest(command, known);
    throw Wrong{fmt::format("there is no command `{}`", printable(command, 64)),
                near ? fmt::format("did you mean `{}`?", *near) : "`keel help` lists the commands"};
}

Exit show_help(std::string_view command)
{
    print(command.empty() ? overview() : std::string(known_command(command).text));
    return Exit::done;
}

Exit run(std::vector<std::string> words)
{
    const bool wants_help = takes(words, {"-h", "--help"});
    const bool wants_version = takes(words, {"--version"});
    std::string command = take_command(words);
    if (command == "help") return show_help(take_command(words));
    if (wants_help) return show_help(command);
    if (wants_version) command = "version";
    if (command.empty()) {
        complain("which command?\n\n" + overview());
        return Exit::usage;
    }
    if (known_command(command).command == "exit") return show_help(command);

    Arguments arguments;
    CLI::App app;
    describe(app, command, arguments);
    try {
        std::ranges::reverse(words); // as the parser wants them
        app.parse(words);
    } catch (const CLI::ParseError& wrong) {
        throw Wrong{wrong.what(), fmt::format("`keel help {}`", command)};
    }
    return run_command(command, arguments);
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
