#include "units/host_check.hpp"

#include "base/text.hpp"
#include "units/credentials.hpp"
#include "units/environment_file.hpp"
#include "units/placeholders.hpp"
#include "units/rules.hpp"
#include "units/show.hpp"
#include "units/tls_files.hpp"
#include "units/token_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

namespace keel::units {
namespace {

enum class Found : std::uint8_t { nothing, not_executable, program };

Found look_at(const std::string& path)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return Found::nothing;
    const bool executable = S_ISREG(status.st_mode) && (status.st_mode & 0111U) != 0;
    return executable ? Found::program : Found::not_executable;
}

std::optional<Mistake> check_directory(const std::string& path)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return Mistake{fmt::format("{}: {}", printable(path), ::strerrordesc_np(errno)),
                       "create it, or name another"};
    if (!S_ISDIR(status.st_mode))
        return Mistake{printable(path) + " is not a directory", "name the folder it is in"};
    return std::nullopt;
}

/// Names in the user or group database, as far as one wants to read for a hint.
constexpr std::size_t names_max = 2000;

std::vector<std::string> user_names()
{
    std::vector<std::string> names;
    ::setpwent();
    for (const passwd* entry = ::getpwent(); entry != nullptr && names.size() < names_max;
         entry = ::getpwent())
        names.emplace_back(entry->pw_name);
    ::endpwent();
    return names;
}

std::vector<std::string> group_names()
{
    std::vector<std::string> names;
    ::setgrent();
    for (const group* entry = ::getgrent(); entry != nullptr && names.size() < names_max;
         entry = ::getgrent())
        names.emplace_back(entry->gr_name);
    ::endgrent();
    return names;
}

Mistake unknown_account(const Error& error, bool is_group)
{
    if (error.errno_value != 0) return {error.text(), "the user database did not answer"};
    if (error.what == "find the primary group of user")
        return {fmt::format("no user has the number {}, so it has no primary group", error.subject),
                "name the `group` too"};
    const std::vector<std::string> names = is_group ? group_names() : user_names();
    const char* const kind = is_group ? "group" : "user";
    return {fmt::format("there is no {} `{}`", kind, printable(error.subject, 64)),
            did_you_mean(error.subject, {names.begin(), names.end()})
                .value_or(fmt::format("create it with add{}", kind))};
}

class HostCheck {
public:
    HostCheck(const LoadedUnit& unit, const UnitSpec& spec, const HostFacts& facts)
        : unit_(unit), spec_(spec), facts_(facts),
          values_(placeholder_values(spec_, 1, facts.runtime_dir)), report_(unit.sources)
    {}

    std::vector<Problem> run()
    {
        check_accounts();
        for (const std::string& path : spec_.environment_files)
            if (auto read = read_environment_file(path);
                const auto* mistake = std::get_if<Mistake>(&read))
                add("environment_files." + path, *mistake);
        const std::string directory = fill(spec_.directory, values_);
        if (!is_of_release(spec_.directory))
            if (auto mistake = check_directory(directory)) add("directory", std::move(*mistake));
        if (has_releases(spec_)) check_releases(directory);
        check_command("command", spec_.command, directory);
        for (const Hook hook : {Hook::start_pre, Hook::start_post, Hook::stop_pre, Hook::stop_post})
            check_command(std::string(name(hook)), command_of(spec_, hook), directory);
        check_command("reload.command", spec_.reload.command, directory);
        for (std::size_t i = 0; i < spec_.probes.size(); ++i)
            check_probe(fmt::format("probe[{}]", i + 1), spec_.probes[i].target, directory);
        for (const ResourceSetting& setting : settings_of(spec_.resources))
            if (!setting.is_default) check_resource(setting);
        return report_.take();
    }

private:
    void add(const std::string& key, Mistake mistake)
    {
        // An element of a list has a position of its own, but is told under the list's key.
        const bool of_list = key.starts_with("groups.") || key.starts_with("environment_files.");
        report_.add(position_of(unit_, key), of_list ? key.substr(0, key.find('.')) : key,
                    std::move(mistake));
    }

    /// One after the other, so that an unknown user does not hide an unknown group.
    void check_accounts()
    {
        if (!spec_.group.empty())
            if (const auto found = resolve_credentials({"", spec_.group}); !found)
                add("group", unknown_account(found.error(), true));
        for (const std::string& group : spec_.groups)
            if (const auto found = resolve_credentials({"", group}); !found)
                add("groups." + group, unknown_account(found.error(), true));
        if (spec_.user.empty()) return;
        const std::string group = spec_.group.empty() ? "" : "0";
        if (const auto found = resolve_credentials({spec_.user, group}); !found)
            add("user", unknown_account(found.error(), false));
    }

    void check_command(const std::string& key, const std::vector<std::string>& command,
                       const std::string& directory)
    {
        if (command.empty()) return; // it has a problem of its own
        if (may_be_of_release(command.front())) return;
        const auto variable = spec_.environment.find("PATH");
        const std::string path = variable == spec_.environment.end()
                                     ? std::string(default_path)
                                     : fill(variable->second, values_);
        if (auto mistake = check_program(fill(command.front(), values_), path, directory))
            add(key, std::move(*mistake));
    }

    /// What a release has is not known before it is there.
    static bool is_of_release(std::string_view text) { return uses_placeholder(text, "release"); }

    /// Whether a program that has not been found may be one of a release's.
    [[nodiscard]] bool may_be_of_release(const std::string& program) const
    {
        if (is_of_release(program)) return true;
        if (program.starts_with('/')) return false;
        if (program.find('/') != std::string::npos) return is_of_release(spec_.directory);
        const auto path = spec_.environment.find("PATH");
        return path != spec_.environment.end() && is_of_release(path->second);
    }

    /// The root is made when it is needed, where there is a place for it.
    void check_releases(const std::string& directory)
    {
        const std::string& root = spec_.deploy.root;
        const std::string parent = root.substr(0, std::max<std::size_t>(root.rfind('/'), 1));
        auto mistake = check_directory(parent);
        if (!mistake && look_at(root) != Found::nothing) mistake = check_directory(root);
        if (mistake) add("deploy.root", std::move(*mistake));
        for (std::size_t i = 0; i < spec_.deploy.steps.size(); ++i) {
            const DeployStepSpec& step = spec_.deploy.steps[i];
            check_command(fmt::format("deploy.steps[{}].do", i + 1), step.run, directory);
            check_command(fmt::format("deploy.steps[{}].undo", i + 1), step.undo, directory);
        }
    }

    void check_resource(const ResourceSetting& setting)
    {
        const ControlGroups& groups = facts_.control_groups;
        if (std::ranges::count(groups.controllers, setting.controller) != 0) return;
        std::string message = groups.why_none;
        if (message.empty())
            message = fmt::format("{} has no controller `{}`", groups.whose, setting.controller);
        add(fmt::format("resources.{}", setting.key), {std::move(message), groups.remedy});
    }

    void check_probe(const std::string& key, const ProbeTarget& target,
                     const std::string& directory)
    {
        if (const auto* exec = std::get_if<ExecTarget>(&target))
            check_command(key + ".exec", exec->command, directory);
        const auto* http = std::get_if<HttpTarget>(&target);
        if (http == nullptr || http->tls_ca.empty() || is_of_release(http->tls_ca)) return;
        const std::string file = fill(http->tls_ca, values_);
        if (look_at(file) == Found::nothing)
            add(key + ".tls_ca",
                {printable(file) + " does not exist", "a file of PEM certificates"});
    }

    const LoadedUnit& unit_;
    const UnitSpec& spec_;
    const HostFacts& facts_;
    PlaceholderValues values_;
    Report report_;
};

} // namespace

std::optional<Mistake> check_program(const std::string& program, const std::string& path,
                                     const std::string& directory)
{
    const std::string shown = printable(program);
    if (program.find('/') != std::string::npos) {
        const std::string file = program.starts_with('/') ? program : directory + "/" + program;
        const Found found = look_at(file);
        if (found == Found::program) return std::nullopt;
        if (found == Found::nothing)
            return Mistake{printable(file) + " does not exist", "install it, or mend the path"};
        return Mistake{shown + " is not an executable file", "chmod +x, or name the program in it"};
    }
    std::string_view rest = path;
    while (true) {
        const std::size_t end = rest.find(':');
        const std::string folder(rest.substr(0, end));
        if (look_at((folder.empty() ? directory : folder) + "/" + program) == Found::program)
            return std::nullopt;
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
    }
    return Mistake{fmt::format("there is no program `{}` in {}", shown, printable(path)),
                   "install it, or write its full path"};
}

std::vector<Problem> check_host(const LoadedUnit& unit, const HostFacts& facts)
{
    const UnitSpec* const spec = readable_spec(unit);
    return spec == nullptr ? std::vector<Problem>{} : HostCheck(unit, *spec, facts).run();
}

std::vector<Problem> notes_of_host(const LoadedUnit& unit, const std::string& journal_socket)
{
    const UnitSpec* const spec = readable_spec(unit);
    if (spec == nullptr || spec->log.target != LogTarget::journal) return {};
    struct stat status {};
    if (::stat(journal_socket.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) return {};
    Report report(unit.sources);
    report.add(position_of(unit, "log.target"), "log.target",
               {fmt::format("there is no journal at {}", printable(journal_socket)),
                "the unit runs, and its output goes where keeld's own does"});
    return report.take();
}

namespace {

/// What a channel sends by, as far as it stands in files.
void check_files(const std::string& name, const ChannelSpec& channel, const LoadedDaemon& daemon,
                 Report& report)
{
    const auto check = [&](std::string_view key, const std::string& path, const TextRule* rule) {
        const std::string full = fmt::format("channel.{}.{}", name, key);
        const auto at = daemon.positions.find(full);
        if (path.empty() || at == daemon.positions.end()) return;
        auto mistake = check_is_private(path);
        const auto secret = read_secret(path);
        if (const auto* other = std::get_if<Mistake>(&secret); other != nullptr && !mistake)
            mistake = *other;
        const auto* text = std::get_if<std::string>(&secret);
        if (!mistake && rule != nullptr && text != nullptr && rule->check(*text))
            mistake = Mistake{"does not hold a URL of http or https",
                              fmt::format("for example {}", rule->example)};
        if (mistake)
            report.add(at->second, full,
                       {fmt::format("{}: {}", printable(path), mistake->message), mistake->hint});
    };
    check("target_file", channel.target_file, &web_url);
    check("token_file", channel.token_file, nullptr);
}

/// Whether what hooks and channels run is there.
void check_commands(const LoadedDaemon& daemon, Report& report)
{
    const auto check = [&](const std::string& key, const std::vector<std::string>& words) {
        const auto at = daemon.positions.find(key);
        if (words.empty() || at == daemon.positions.end()) return;
        const auto program = fill(words.front(), PlaceholderValues{"unit", {}, {}, {}, {}});
        if (auto mistake = check_program(program, std::string(default_path), "/"))
            report.add(at->second, key, std::move(*mistake));
    };
    for (const auto& [name, channel] : daemon.spec.channels)
        check(fmt::format("channel.{}.command", name), channel.command);
    for (const auto& [name, hook] : daemon.spec.hooks)
        check(fmt::format("hook.{}.command", name), hook.command);
}

} // namespace

std::vector<Problem> check_host(const LoadedDaemon& daemon)
{
    Report report(daemon.path);
    const auto check_group = [&](const std::string& key, const std::string& group) {
        if (group.empty()) return;
        const auto at = daemon.positions.find(key);
        const auto found = resolve_credentials({"", group});
        if (!found && at != daemon.positions.end())
            report.add(at->second, key, unknown_account(found.error(), true));
    };
    check_group("control.operators_group", daemon.spec.operators_group);
    check_group("control.readers_group", daemon.spec.readers_group);
    const auto token_at = daemon.positions.find("http.token_file");
    if (token_at != daemon.positions.end() && !daemon.spec.token_file.empty()) {
        const auto token = read_token(daemon.spec.token_file);
        if (const auto* mistake = std::get_if<Mistake>(&token))
            report.add(token_at->second, "http.token_file",
                       {fmt::format("{}: {}", printable(daemon.spec.token_file), mistake->message),
                        mistake->hint});
    }
    for (const auto& [name, channel] : daemon.spec.channels)
        check_files(name, channel, daemon, report);
    const TlsSpec& tls = daemon.spec.tls;
    if (!tls.certificate.empty() && !tls.key.empty()) {
        const auto identity = read_tls_files(tls);
        if (const auto* wrong = std::get_if<TlsMistake>(&identity)) {
            const std::string key = fmt::format("http.tls.{}", name(wrong->with));
            report.add(daemon.positions.at(key), key, wrong->mistake);
        }
    }
    check_commands(daemon, report);
    return report.take();
}

} // namespace keel::units
