#include "cli/runners.hpp"

#include "base/ensure.hpp"
#include "base/release_id.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/hand_over.hpp"
#include "cli/since.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::cli {
namespace {

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
            follow_of(arguments),
            arguments.has("--deploy") ? LogsOptions::Of::deployments : LogsOptions::Of::instances};
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

/// The second word, if there is one.
std::string release_named(const Arguments& arguments)
{
    if (arguments.words().size() < 2) return {};
    const std::string& release = arguments.words()[1];
    if (!is_release_id(release))
        throw Wrong{fmt::format("`{}` is no ID of a release", printable(release, 64)),
                    fmt::format("at most {} letters, digits and . _ + -, of which the first is a "
                                "letter or a digit, and not ending in .partial or .sha256",
                                release_id_bytes_max)};
    return release;
}

/// The value of --file, absolute; empty: it was not given.
std::string file_named(const Arguments& arguments)
{
    const std::string file = arguments.text("--file");
    if (!arguments.has("--file")) return {};
    struct stat about {};
    const std::string shown = fmt::format("--file `{}`", printable(file, 256));
    if (::stat(file.c_str(), &about) != 0)
        throw Wrong{fmt::format("{}: {}", shown, std::strerror(errno)),
                    "it names an archive or a directory on this host"};
    const bool is_folder = S_ISDIR(about.st_mode);
    if (!is_folder && !S_ISREG(about.st_mode))
        throw Wrong{shown + " is neither a file nor a directory", {}};
    if (::access(file.c_str(), is_folder ? R_OK | X_OK : R_OK) != 0)
        throw Wrong{fmt::format("{}: {}", shown, std::strerror(errno)), {}};
    return std::filesystem::absolute(file).lexically_normal();
}

core::DeployTerms deploy_terms(const Arguments& arguments)
{
    core::DeployTerms terms{release_named(arguments), file_named(arguments)};
    if (!terms.release.empty()) return terms;
    if (terms.source.empty())
        throw Wrong{"deploy which release?", "name its ID, or an archive with --file"};
    terms.release = release_called_as(terms.source);
    if (!is_release_id(terms.release))
        throw Wrong{fmt::format("`{}`, as the file is called, is no ID of a release",
                                printable(terms.release, 64)),
                    fmt::format("give it one: keel deploy {} RELEASE --file …", arguments.word())};
    return terms;
}

DeployOptions deploy_options(const Arguments& arguments, core::Verb verb)
{
    using Trial = control::ChangeRequest::Trial;
    DeployOptions options;
    options.verb = verb;
    options.unit = arguments.word();
    if (verb == core::Verb::deploy) options.terms = deploy_terms(arguments);
    options.trial = arguments.has("--dry-run") ? Trial::dry_run : Trial::no;
    options.wait = arguments.has("--no-wait") ? ChangeOptions::Wait::no : ChangeOptions::Wait::yes;
    options.timeout = duration_of(arguments, "--timeout");
    options.reason = arguments.text("--reason");
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
    if (verb != core::Verb::undeny) return options;
    options.targets.resize(1);
    options.deploy.release = release_named(arguments);
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
    const std::string& word = arguments.word();
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
    const auto& words = arguments.words();
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

/// What carries out a row of the table of commands; most verbs have none of their own.
struct Runner {
    std::string_view command;
    Exit (*run)(const Context&, const Arguments&);
};
constexpr Runner runners[] = {
    {"status",
     [](const Context& context, const Arguments& given) {
         return status(context, {given.words(), given.has("--watch") ? StatusOptions::Watch::yes
                                                                     : StatusOptions::Watch::no});
     }},
    {"why",
     [](const Context& context, const Arguments& given) { return why(context, given.word()); }},
    {"deploy",
     [](const Context& context, const Arguments& given) {
         return deploy(context, deploy_options(given, core::Verb::deploy));
     }},
    {"rollback",
     [](const Context& context, const Arguments& given) {
         return deploy(context, deploy_options(given, core::Verb::rollback));
     }},
    {"releases", [](const Context& context,
                    const Arguments& given) { return releases(context, given.word()); }},
    {"operations", [](const Context& context, const Arguments&) { return operations(context); }},
    {"probe",
     [](const Context& context, const Arguments& given) { return probe(context, given.word()); }},
    {"cancel",
     [](const Context& context, const Arguments& given) {
         return cancel(context, number_named(given, "operation", "`keel operations` lists them"));
     }},
    {"logs", [](const Context& context,
                const Arguments& given) { return logs(context, logs_options(given)); }},
    {"events",
     [](const Context& context, const Arguments& given) {
         return events(context, {given.text("--unit"), count_of(given, "--count"), since_of(given),
                                 follow_of(given)});
     }},
    {"completion", [](const Context& context,
                      const Arguments& given) { return completion(context, given.words()); }},
    {"graph",
     [](const Context& context, const Arguments& given) {
         return graph(context, {given.words(), given.has("--dot") ? GraphOptions::Shape::dot
                                                                  : GraphOptions::Shape::tree});
     }},
    {"outages", [](const Context& context,
                   const Arguments& given) { return outages(context, outages_options(given)); }},
    {"report", [](const Context& context,
                  const Arguments& given) { return report(context, report_options(given)); }},
    {"postmortem",
     [](const Context& context, const Arguments& given) {
         return postmortem(context, number_named(given, "outage", "`keel outages` lists them"));
     }},
    {"web", [](const Context& context, const Arguments&) { return web(context); }},
    {"wait", [](const Context& context,
                const Arguments& given) { return wait(context, wait_options(given)); }},
    {"apply", [](const Context& context,
                 const Arguments& given) { return apply(context, apply_request(given)); }},
    {"schema",
     [](const Context& context, const Arguments& given) {
         using Words = std::vector<std::string>;
         return run_elsewhere("schema", context, given.has("--daemon") ? Words{"daemon"} : Words{});
     }},
    {"check",
     [](const Context& context, const Arguments& given) {
         return run_elsewhere("check", context, given.words());
     }},
    {"plan", [](const Context& context,
                const Arguments& given) { return run_elsewhere("plan", context, given.words()); }},
    {"version", [](const Context& context, const Arguments&) { return version(context); }},
};

} // namespace

Exit run_command(std::string_view command, const Arguments& arguments)
{
    const Context context = context_of(arguments);
    const auto* const runner = std::ranges::find(runners, command, &Runner::command);
    if (runner != std::end(runners)) return runner->run(context, arguments);
    const auto verb = from_name<core::Verb>(command);
    ENSURE(verb.has_value(), "a row of the table of commands has no line here");
    return change(context, change_options(arguments, *verb));
}

} // namespace keel::cli
