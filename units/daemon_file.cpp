#include "units/daemon_file.hpp"

#include "units/placeholders.hpp"
#include "units/walk.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::units {
namespace {

Table take_defaults(Table& document)
{
    const auto found = std::find_if(document.begin(), document.end(),
                                    [](const Entry& entry) { return entry.key == "defaults"; });
    auto* table = found == document.end() ? nullptr : std::get_if<Table>(&found->value.data);
    return table == nullptr ? Table{} : std::move(*table);
}

bool stands_at(const Problem& problem, Position at)
{
    return problem.line == at.line && problem.column == at.column;
}

bool has_problem(const Value& value, const std::vector<Problem>& problems)
{
    if (std::any_of(problems.begin(), problems.end(),
                    [&](const Problem& problem) { return stands_at(problem, value.at); }))
        return true;
    const auto* list = std::get_if<List>(&value.data);
    if (const auto* table = std::get_if<Table>(&value.data))
        return std::any_of(table->begin(), table->end(), [&](const Entry& entry) {
            return has_problem(entry.value, problems) ||
                   std::any_of(problems.begin(), problems.end(), [&](const Problem& problem) {
                       return stands_at(problem, entry.at);
                   });
        });
    return list != nullptr && std::any_of(list->begin(), list->end(), [&](const Value& element) {
               return has_problem(element, problems);
           });
}

/// Takes the keys out that have a problem, so that they do not become a problem of every unit.
void drop_mistakes(Table& table, const std::vector<Problem>& problems)
{
    std::erase_if(table, [&](Entry& entry) {
        for (const Problem& problem : problems)
            if (stands_at(problem, entry.at) && !std::holds_alternative<Table>(entry.value.data))
                return true;
        if (auto* below = std::get_if<Table>(&entry.value.data)) {
            drop_mistakes(*below, problems);
            return below->empty();
        }
        return has_problem(entry.value, problems);
    });
}

/// A ladder's hook runs for the unit as a whole.
void check_hooks(const NamedHooks& hooks, const Notes& notes, Report& report)
{
    for (const auto& [name, hook] : hooks)
        for (const std::string& word : hook.command)
            for (const std::string_view of_instance : {"instance", "port", "release"})
                if (uses_placeholder(word, of_instance)) {
                    const std::string key = fmt::format("hook.{}.command", name);
                    report.add(notes.positions.at(key), key,
                               {fmt::format("{{{}}} means nothing here: a hook runs for the unit "
                                            "as a whole",
                                            of_instance),
                                "{unit} and {runtime_dir} do"});
                }
}

std::vector<std::string> names_of_all(const Channels& channels)
{
    std::vector<std::string> names;
    for (const auto& [name, channel] : channels)
        names.push_back(name);
    return names;
}

/// A channel and where its keys stand, those that do.
struct ChannelAt {
    const std::string& name;
    const ChannelSpec& spec;
    const Notes& notes;

    [[nodiscard]] const Position* find(std::string_view key) const
    {
        const auto found = notes.positions.find(path(key));
        return found == notes.positions.end() ? nullptr : &found->second;
    }
    [[nodiscard]] std::string path(std::string_view key) const
    {
        return fmt::format("channel.{}.{}", name, key);
    }
};

void check_command_of(const ChannelAt& channel, Report& report)
{
    for (const std::string& word : channel.spec.command)
        for (const std::string_view of_others : {"instance", "port", "release", "runtime_dir"})
            if (uses_placeholder(word, of_others))
                report.add(*channel.find("command"), channel.path("command"),
                           {fmt::format("{{{}}} means nothing here: what is told is about a unit "
                                        "as a whole",
                                        of_others),
                            "{unit} does"});
}

/// Where it sends what it is told.
void check_channel(const ChannelAt& channel, Report& report)
{
    const Position* kind = channel.find("kind");
    if (kind == nullptr) return;
    const bool is_exec = channel.spec.kind == ChannelKind::exec;
    const auto of_the_other =
        is_exec ? std::vector{"target", "target_file", "token_file"} : std::vector{"command"};
    for (const std::string_view key : of_the_other)
        if (const Position* at = channel.find(key))
            report.add(*at, channel.path(key),
                       {fmt::format("means nothing where `kind` is `{}`", name(channel.spec.kind)),
                        is_exec ? "a command finds what it needs itself"
                                : "a `target` says where to send to"});
    if (is_exec && channel.find("command") == nullptr)
        report.add(*kind, "channel." + channel.name,
                   {"says nothing that is to run", "give it a `command`"});
    if (is_exec) return check_command_of(channel, report);
    const Position* by_file = channel.find("target_file");
    if (channel.find("target") != nullptr && by_file != nullptr)
        report.add(*by_file, channel.path("target_file"),
                   {"stands beside `target`", "one of them says where to send to"});
    else if (channel.find("target") == nullptr && by_file == nullptr)
        report.add(*kind, "channel." + channel.name,
                   {"says nowhere where to send to", "give it a `target`, which is a URL"});
}

/// A certificate is nothing without its key. One that is there and unusable is told of already.
void check_tls(const Notes& notes, Report& report)
{
    const auto certificate = notes.positions.find("http.tls.certificate");
    const auto key = notes.positions.find("http.tls.key");
    const auto none = notes.positions.end();
    if ((certificate == none) == (key == none)) return;
    const auto given = certificate != none ? certificate : key;
    report.add(given->second, given->first,
               {fmt::format("stands without `{}`", key == none ? "key" : "certificate"),
                "TLS needs both files"});
}

} // namespace

LoadedDaemon load_daemon(std::string_view text, const std::string& file)
{
    LoadedDaemon loaded;
    loaded.path = file;
    loaded.defaults.path = file;
    auto document = parse_document(text, file);
    if (auto* problem = std::get_if<Problem>(&document)) {
        loaded.problems.push_back(std::move(*problem));
        return loaded;
    }
    Table& table = std::get<Table>(document);
    Report report(file);
    Notes notes;
    Draft draft;
    Walk(daemon_language(), Extent::whole, draft, report, notes).read_table("", "", table, {1, 1});
    check_hooks(draft.daemon.hooks, notes, report);
    for (const auto& [name, channel] : draft.daemon.channels)
        check_channel({name, channel, notes}, report);
    check_tls(notes, report);
    loaded.problems = report.take();
    loaded.positions = std::move(notes.positions);
    loaded.spec = std::move(draft.daemon);
    loaded.defaults.hooks = loaded.spec.hooks;
    loaded.defaults.channels = names_of_all(loaded.spec.channels);
    loaded.defaults.keys = take_defaults(table);
    if (!loaded.problems.empty()) drop_mistakes(loaded.defaults.keys, loaded.problems);
    return loaded;
}

LoadedDaemon load_daemon(const Source& source)
{
    const auto* mistake = std::get_if<Mistake>(&source.text);
    if (mistake == nullptr) {
        LoadedDaemon loaded = load_daemon(std::get<std::string>(source.text), source.path);
        if (source.path.empty()) { // There is no place for one.
            loaded.defaults.hooks.reset();
            loaded.defaults.channels.reset();
        }
        return loaded;
    }
    LoadedDaemon loaded;
    loaded.problems.push_back({source.path, 0, 0, "", mistake->message, mistake->hint});
    return loaded;
}

} // namespace keel::units
