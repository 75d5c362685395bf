// keel: shows and steers what keeld supervises. Here the command line becomes a call; nothing else.
#include "base/ensure.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/hand_over.hpp"
#include "cli/help.hpp"
#include "cli/since.hpp"

#include <charconv>
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

/// What stood on the command line. Options are asked for as the table of commands names them.
class Arguments {
public:
    explicit Arguments(const CLI::App& parsed) : parsed_(&parsed) {}

    [[nodiscard]] bool has(const std::string& flag) const { return parsed_->count(flag) > 0; }
    /// The option's value; empty: it was not given.
    [[nodiscard]] std::string text(const std::string& flag) const
    {
        return has(flag) ? (*parsed_)[flag]->as<std::string>() : std::string();
    }
    /// Those that are neither options nor their values.
    [[nodiscard]] std::vector<std::string> words() const { return parsed_->remaining(); }
    /// The only one.
    [[nodiscard]] std::string word() const { return words().front(); }

private:
    const CLI::App* parsed_;
};

std::optional<Duration> duration_of(const Arguments& arguments, const std::string& flag)
{
    if (!arguments.has(flag)) return std::nullopt;
    const std::string text = arguments.text(flag);
    const auto length = parse_duration(text);
    if (!length)
        throw Wrong{fmt::format("{} `{}` is not a duration", flag, printable(text, 64)),
                    "write a number with its unit: 500ms, 30s, 2m"};
    return length;
}

std::optional<std::size_t> count_of(const Arguments& arguments, const std::string& flag)
{
    if (!arguments.has(flag)) return std::nullopt;
    const std::string text = arguments.text(flag);
    std::size_t count = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (text.empty() || failed != std::errc{} || end != text.data() + text.size())
        throw Wrong{fmt::format("{} `{}` is not a number", flag, printable(text, 64)), {}};
    return count;
}

core::HoldTerms hold_terms(const Arguments& arguments)
{
    if (arguments.text("--reason").empty())
        throw Wrong{"a hold needs a reason, for those who wonder", "--reason 'core dump for ann'"};
    core::HoldTerms terms;
    terms.span = duration_of(arguments, "--for");
    if (terms.span && *terms.span == Duration{0})
        throw Wrong{"a hold for no time at all holds nothing", "leave --for away to hold it until "
                                                               "`keel start`"};
    if (arguments.has("--running")) terms.process = core::Held::Process::left_running;
    return terms;
}

LogsOptions::Follow follow_of(const Arguments& arguments)
{
    return arguments.has("--follow") ? LogsOptions::Follow::yes : LogsOptions::Follow::no;
}

std::optional<WallTime> since_of(const Arguments& arguments)
{
    if (!arguments.has("--since")) return std::nullopt;
    const std::string text = arguments.text("--since");
    const auto since = parse_since(text, wall_now());
    if (!since)
        throw Wrong{
            fmt::format("--since `{}` is neither a duration nor a time", printable(text, 64)),
            "for example 30m, 09:15, '2025-01-31 09:15' or 2025-01-31T09:15:02Z"};
    return since;
}

LogsOptions logs_options(const Arguments& arguments)
{
    return {arguments.word(), count_of(arguments, "--lines"), since_of(arguments),
            follow_of(arguments)};
}

ReportOptions report_options(const Arguments& arguments)
{
    ReportOptions options{since_of(arguments)};
    const std::string format = arguments.has("--format") ? arguments.text("--format") : "md";
    if (format == "json")
        options.format = ReportOptions::As::json;
    else if (format != "md")
        throw Wrong{fmt::format("--format `{}` is not known", printable(format, 64)),
                    "there are md and json"};
    return options;
}

ChangeOptions change_options(const Arguments& arguments, core::Verb verb)
{
    ChangeOptions options;
    options.verb = verb;
    options.targets = arguments.words();
    const bool all = arguments.has("--all");
    if (!options.targets.empty() && all)
        throw Wrong{"--all and names of units together make no sense", {}};
    options.scope = all ? ChangeOptions::Scope::all : ChangeOptions::Scope::named;
    options.wait = arguments.has("--no-wait") ? ChangeOptions::Wait::no : ChangeOptions::Wait::yes;
    options.timeout = duration_of(arguments, "--timeout");
    options.reason = arguments.text("--reason");
    if (verb == core::Verb::hold) options.hold = hold_terms(arguments);
    return options;
}

WaitOptions wait_options(const Arguments& arguments)
{
    WaitOptions options{arguments.words(), "ready", duration_of(arguments, "--timeout")};
    if (arguments.has("--for")) options.state = arguments.text("--for");
    const auto states = wait_states();
    if (std::ranges::find(states, options.state) != states.end()) return options;
    const std::vector<std::string_view> known(states.begin(), states.end());
    const auto near = nearest(options.state, known);
    throw Wrong{fmt::format("there is no state `{}` to wait for", printable(options.state, 64)),
                near ? fmt::format("did you mean `{}`?", *near)
                     : fmt::format("there are: {}", fmt::join(states, ", "))};
}

/// The number that a command is about. `what`: of what, with how to learn it.
std::uint64_t number_named(const Arguments& arguments, std::string_view what, std::string_view hint)
{
    std::uint64_t id = 0;
    const std::string word = arguments.word();
    const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (failed != std::errc{} || end != word.data() + word.size())
        throw Wrong{fmt::format("`{}` is not the number of an {}", printable(word, 64), what),
                    std::string(hint)};
    return id;
}

std::uint64_t outage_named(const Arguments& arguments)
{
    return number_named(arguments, "outage", "`keel outages` lists them");
}

OutagesOptions outages_options(const Arguments& arguments)
{
    const auto since = since_of(arguments);
    OutagesOptions options{since, count_of(arguments, "--count").value_or(since ? 1000 : 50)};
    if (!arguments.words().empty()) options.id = outage_named(arguments);
    return options;
}

control::ApplyRequest apply_request(const Arguments& arguments)
{
    control::ApplyRequest request;
    if (arguments.has("--keep")) request.if_it_fails = control::ApplyRequest::IfItFails::stay;
    request.why = arguments.text("--reason");
    const auto words = arguments.words();
    if (arguments.has("--revert")) request.revert = std::uint64_t{0};
    if (words.empty()) return request;
    if (!request.revert)
        throw Wrong{"the number of a generation goes with --revert", "`keel help apply`"};
    std::uint64_t number = 0;
    const std::string& word = words.front();
    const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (failed != std::errc{} || end != word.data() + word.size() || number == 0)
        throw Wrong{fmt::format("`{}` is not the number of a generation", printable(word, 64)),
                    "--revert alone goes back to the former one"};
    request.revert = number;
    return request;
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

Context context_of(const Arguments& arguments)
{
    std::string root = arguments.text("--root");
    if (root.empty())
        if (const char* named = std::getenv("KEEL_ROOT")) root = named;
    while (root.size() > 1 && root.ends_with('/'))
        root.pop_back();
    if (root == "/") root.clear();
    return {root, control_socket_path(root),
            arguments.has("--json") ? Format::json : Format::people, screen_of_stdout()};
}

Exit run_command(std::string_view command, const Arguments& arguments)
{
    const Context context = context_of(arguments);
    if (const auto verb = from_name<core::Verb>(command))
        return change(context, change_options(arguments, *verb));
    if (command == "status")
        return status(context,
                      {arguments.words(), arguments.has("--watch") ? StatusOptions::Watch::yes
                                                                   : StatusOptions::Watch::no});
    if (command == "why") return why(context, arguments.word());
    if (command == "operations") return operations(context);
    if (command == "probe") return probe(context, arguments.word());
    if (command == "cancel")
        return cancel(context,
                      number_named(arguments, "operation", "`keel operations` lists them"));
    if (command == "logs") return logs(context, logs_options(arguments));
    if (command == "events")
        return events(context, {arguments.text("--unit"), count_of(arguments, "--count"),
                                since_of(arguments), follow_of(arguments)});
    if (command == "completion") return completion(context, arguments.word());
    if (command == "graph")
        return graph(context,
                     {arguments.words(), arguments.has("--dot") ? GraphOptions::Shape::dot
                                                                : GraphOptions::Shape::tree});
    if (command == "outages") return outages(context, outages_options(arguments));
    if (command == "report") return report(context, report_options(arguments));
    if (command == "postmortem")
        return postmortem(context, number_named(arguments, "outage", "`keel outages` lists them"));
    if (command == "web") return web(context);
    if (command == "wait") return wait(context, wait_options(arguments));
    if (command == "apply") return apply(context, apply_request(arguments));
    if (command == "schema")
        return run_elsewhere(command, context,
                             arguments.has("--daemon") ? std::vector<std::string>{"daemon"}
                                                       : std::vector<std::string>{});
    if (command == "check" || command == "plan")
        return run_elsewhere(command, context, arguments.words());
    ENSURE(command == "version", "a row of the table of commands has no line here");
    return version(context);
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
    const auto words = arguments.words();
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
    const Arguments arguments(app);
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
