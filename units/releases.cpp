#include "units/releases.hpp"

#include "base/text.hpp"
#include "units/placeholders.hpp"
#include "units/validate.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace keel::units {
namespace {

using Checked = std::optional<Mistake>;

// ---- texts -------------------------------------------------------------------------------------

bool is_web(std::string_view text)
{
    return text.starts_with("http://") || text.starts_with("https://");
}

/// The names between the slashes, but for those that mean the folder itself.
std::vector<std::string_view> names_in(std::string_view path)
{
    std::vector<std::string_view> names;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        const std::string_view name = path.substr(0, end);
        if (!name.empty() && name != ".") names.push_back(name);
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return names;
}

Checked check_release_root(std::string_view text)
{
    if (auto mistake = absolute_path.check(text)) return mistake;
    if (text.find_first_of("{}") != std::string_view::npos)
        return Mistake{"has a brace in it, and there are no placeholders here",
                       "write the directory out"};
    const auto names = names_in(text);
    if (names.empty())
        return Mistake{"cannot be the root of the host", "for example \"/srv/panel-api\""};
    if (std::find(names.begin(), names.end(), "..") != names.end())
        return Mistake{"has `..` in it", "write the directory that it comes to"};
    return std::nullopt;
}

/// A mistake in a URL is told with what is of use here.
Checked check_url(std::string_view text)
{
    auto mistake = web_url.check(text);
    if (mistake) mistake->hint = "for example \"https://releases.example.com/panel-api\"";
    return mistake;
}

Checked check_release_source(std::string_view text)
{
    if (is_web(text)) return check_url(text);
    if (auto mistake = absolute_path.check(text))
        return Mistake{"must be an absolute path, or begin with http:// or https://",
                       fmt::format("for example {}", release_source.example)};
    return std::nullopt;
}

Checked check_checksums_source(std::string_view text)
{
    if (text.starts_with("https://")) return check_url(text);
    if (auto mistake = absolute_path.check(text))
        return Mistake{"must be an absolute path, or begin with https://",
                       fmt::format("for example {}", checksums_source.example)};
    return std::nullopt;
}

Checked check_sha256_digits(std::string_view text)
{
    const bool fits = text.size() == 64 &&
                      text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    if (fits) return std::nullopt;
    return Mistake{fmt::format("`{}` is no SHA-256 digest", printable(text, 80)),
                   "64 hexadecimal digits, as sha256sum(1) writes them"};
}

// ---- a unit ------------------------------------------------------------------------------------

/// Whether the file has [deploy], be it one with mistakes in it.
bool has_section(const Notes& notes, const Report& report)
{
    const auto first = notes.positions.lower_bound("deploy.");
    return (first != notes.positions.end() && first->first.starts_with("deploy.")) ||
           report.speaks_of("deploy") || report.speaks_of("deploy.root");
}

void refuse_what_needs_releases(const UnitSpec& unit, const Notes& notes, Report& report)
{
    for (const Notes::FilledText& text : notes.texts)
        if (uses_placeholder(text.text, "release"))
            report.add(text.at, text.key,
                       {"uses {release}, but the unit has no [deploy]",
                        "[deploy] says where its releases are; or write the directory itself"});
    for (const Rung& rung : unit.escalation.ladder)
        if (rung.kind == Rung::redeploy || rung.kind == Rung::rollback)
            report.add(
                position_of(notes, "escalation.ladder." + to_text(rung)), "escalation.ladder",
                {fmt::format("`{}` needs releases, but the unit has no [deploy]", to_text(rung)),
                 "leave it out, or say in [deploy] where its releases are"});
}

void check_proof(const UnitSpec& unit, const Notes& notes, Report& report)
{
    const bool by_digest = notes.positions.contains("deploy.sha256");
    const bool by_list = notes.positions.contains("deploy.checksums");
    if (by_digest && by_list)
        report.add(position_of(notes, "deploy.checksums"), "deploy.checksums",
                   {"stands beside `sha256`", "one of them says what an archive must be"});
    if (is_web(unit.deploy.source) && !by_digest && !by_list)
        report.add(position_of(notes, "deploy.source"), "deploy.source",
                   {"is fetched from the network, and nothing says what it must be",
                    "add `checksums`, a list of digests at an https URL, or `sha256`"});
}

/// The longest that proving an instance may take is what is waited for the next one that passes.
void check_spans(const UnitSpec& unit, const Notes& notes, Report& report)
{
    const DeploySpec& spec = unit.deploy;
    if (spec.verify_for < spec.timeout) return;
    const auto* key =
        notes.positions.contains("deploy.verify_for") ? "deploy.verify_for" : "deploy.timeout";
    report.add(
        position_of(notes, key), key,
        Mistake{fmt::format("an instance has to be ready for `verify_for` ({}), and is given "
                            "up after `timeout` ({})",
                            keel::to_text(spec.verify_for), keel::to_text(spec.timeout)),
                "let `timeout` be the longer one"});
}

/// What a process is made from: not its probes, and not the steps before it.
bool is_of_processes(std::string_view key)
{
    return !key.starts_with("probe[") && !key.starts_with("deploy.");
}

void check_runs_release(const Notes& notes, Report& report)
{
    if (!notes.positions.contains("command") || report.speaks_of("command")) return;
    const bool runs =
        std::any_of(notes.texts.begin(), notes.texts.end(), [](const Notes::FilledText& text) {
            return is_of_processes(text.key) && uses_placeholder(text.text, "release");
        });
    if (!runs)
        report.add(position_of(notes, "command"), "command",
                   {"runs nothing of its releases: neither it nor `directory`, `environment` or a "
                    "hook uses {release}",
                    "for example command = [\"{release}/bin/panel-api\"]"});
}

/// Characters that go on with a name in a path. Whatever else follows has ended it.
bool is_of_name(char c)
{
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || c == '.' || c == '_' || c == '-' || byte >= 0x80;
}

/// Doubled slashes and `/./` as one slash, anywhere in a text.
std::string tidy_text(std::string_view text)
{
    std::string tidy;
    for (const char c : text) {
        if (c == '/' && tidy.ends_with("/.")) tidy.resize(tidy.size() - 1);
        if (c != '/' || !tidy.ends_with('/')) tidy += c;
    }
    return tidy;
}

/// Whether the path, or one below it, occurs anywhere in a text: `--config=PATH/x`.
bool names_path(std::string_view text, const std::string& path)
{
    const std::string tidy = tidy_text(text);
    for (std::size_t at = tidy.find(path); at != std::string::npos; at = tidy.find(path, at + 1)) {
        const std::size_t end = at + path.size();
        const bool begins = at == 0 || !is_of_name(tidy[at - 1]);
        if (begins && (end == tidy.size() || !is_of_name(tidy[end]))) return true;
    }
    return false;
}

/// The link is switched at the end of a deployment, so that a process that went by it would run
/// another release than the one that it was started for.
void check_link(const UnitSpec& unit, const Notes& notes, Report& report)
{
    if (!has_releases(unit)) return;
    const std::string link = unit.deploy.root + "/current";
    const PlaceholderValues values{unit.name, "1", "", release_directory(unit, "ID"), ""};
    for (const Notes::FilledText& text : notes.texts) {
        const bool concerns = is_of_processes(text.key) || text.key.ends_with("].exec");
        if (concerns && names_path(fill(text.text, values), link))
            report.add(text.at, text.key,
                       {fmt::format("names {}, the link for people", printable(link)),
                        "write {release}: that is the release an instance was started for"});
    }
}

void name_steps(UnitSpec& unit, const Notes& notes, Report& report)
{
    std::vector<std::string> names;
    for (const DeployStepSpec& step : unit.deploy.steps)
        names.push_back(step.name);
    const std::vector<std::string_view> usual(names.size(), "step");
    settle_names(names, usual, {"deploy.steps", "step"}, notes, report);
    for (std::size_t i = 0; i < names.size(); ++i)
        unit.deploy.steps[i].name = std::move(names[i]);
}

// ---- several units -----------------------------------------------------------------------------

/// Roots by path, with the names of their units.
using Roots = std::map<std::string, std::string_view, std::less<>>;

/// How a root gets in the way of those that there are.
std::string conflict_with(const Roots& roots, const std::string& root)
{
    if (const auto same = roots.find(root); same != roots.end())
        return fmt::format("is the root of `{}` too", same->second);
    for (std::size_t end = root.rfind('/'); end != 0; end = root.rfind('/', end - 1))
        if (const auto around = roots.find(root.substr(0, end)); around != roots.end())
            return fmt::format("lies in the root of `{}`, {}", around->second,
                               printable(around->first));
    const std::string below = root + "/";
    const auto inside = roots.lower_bound(below);
    if (inside == roots.end() || !inside->first.starts_with(below)) return {};
    return fmt::format("has the root of `{}` in it, {}", inside->second, printable(inside->first));
}

} // namespace

constexpr TextRule release_root{"absolute path", "\"/srv/panel-api\"", check_release_root};
constexpr TextRule release_source{"absolute path or URL",
                                  "\"https://releases.example.com/panel-api-{release}.tar.zst\"",
                                  check_release_source};
constexpr TextRule checksums_source{"absolute path or https URL",
                                    "\"https://releases.example.com/SHA256SUMS\"",
                                    check_checksums_source};
constexpr TextRule sha256_digits{
    "hexadecimal digits", "\"6b3a55e0261b0304143f805a24924d0c1c44524821305f31d9277843b8a10f4e\"",
    check_sha256_digits};

std::string tidy_path(std::string_view path)
{
    std::string tidy;
    for (const std::string_view name : names_in(path))
        tidy.append("/").append(name);
    return tidy.empty() ? "/" : tidy;
}

void settle_releases(UnitSpec& unit, const Notes& notes, Report& report)
{
    if (!has_section(notes, report)) return refuse_what_needs_releases(unit, notes, report);
    if (!notes.positions.contains("escalation.ladder"))
        unit.escalation.ladder = {Rung::restart, Rung::redeploy, Rung::rollback, Rung::retry};
    check_proof(unit, notes, report);
    check_spans(unit, notes, report);
    check_runs_release(notes, report);
    check_link(unit, notes, report);
    name_steps(unit, notes, report);
}

void check_roots(std::vector<LoadedUnit>& units)
{
    Roots roots;
    for (LoadedUnit& unit : units) {
        const UnitSpec* const spec = readable_spec(unit);
        if (spec == nullptr || !has_releases(*spec)) continue;
        const std::string& root = spec->deploy.root;
        if (std::string conflict = conflict_with(roots, root); !conflict.empty()) {
            const Position at = position_of(unit, "deploy.root");
            unit.problems.push_back({unit.sources.at(at.source), at.line, at.column, "deploy.root",
                                     std::move(conflict),
                                     "a unit's releases have a directory of their own"});
        } else {
            roots.emplace(root, unit.name);
        }
    }
}

} // namespace keel::units
