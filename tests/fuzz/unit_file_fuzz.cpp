// Any bytes as a unit file: the loader neither crashes nor hangs, every problem has a position and
// a text, and a spec that was accepted obeys every range of the schema.
#include "base/ensure.hpp"
#include "units/daemon_file.hpp"
#include "units/expression.hpp"
#include "units/loader.hpp"
#include "units/placeholders.hpp"
#include "units/releases.hpp"
#include "units/rules.hpp"
#include "units/schema.hpp"
#include "units/show.hpp"
#include "units/unit_set.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace keel::units {
namespace {

template <class T> void within(const T& range, const Draft& draft)
{
    const auto value = range.slot.get(draft);
    ENSURE(value >= range.min && value <= range.max, "an accepted value is in its range");
}

void check(const Boolean&, const Draft&) {}
void check(const Integer& range, const Draft& draft) { within(range, draft); }
void check(const Number& range, const Draft& draft) { within(range, draft); }
void check(const Span& range, const Draft& draft) { within(range, draft); }
void check(const Size& range, const Draft& draft) { within(range, draft); }
void check(const Percent& range, const Draft& draft) { within(range, draft); }
void check(const Text& text, const Draft& draft)
{
    const std::string value = text.slot.get(draft);
    ENSURE(value.size() <= text.length_max, "an accepted text is not too long");
    if (text.braces == Braces::release_id)
        ENSURE(!check_source_placeholders(value), "accepted sources are those of a release");
    if (text.braces == Braces::placeholders)
        ENSURE(!check_placeholders(value), "placeholders of accepted texts are known");
}
void check(const Command& command, const Draft& draft)
{
    const auto words = command.slot.get(draft);
    ENSURE(words.size() <= command.words_max, "an accepted command has not too many words");
    for (const std::string& word : words)
        ENSURE(!check_placeholders(word) && word.find('\0') == std::string::npos,
               "an accepted command can be executed");
}
void check(const Texts& texts, const Draft& draft)
{
    for (const std::string& text : texts.slot.get(draft))
        ENSURE(!texts.rule->check(text), "accepted texts keep their rule");
}
void check(const FileMode& mode, const Draft& draft)
{
    ENSURE(mode.slot.get(draft) <= mode.max, "an accepted file mode is in its range");
}
void check(const Processors& range, const Draft& draft)
{
    const auto numbers = range.slot.get(draft);
    ENSURE(std::is_sorted(numbers.begin(), numbers.end()), "processors are in order");
    ENSURE(numbers.empty() || numbers.back() <= range.number_max, "all of them can exist");
}
void check(const Limit& limit, const Draft& draft)
{
    const auto value = limit.slot.get(draft);
    ENSURE(!value || value->soft <= value->hard, "a soft limit is not above the hard one");
}
void check(const TextMap& map, const Draft& draft)
{
    ENSURE(map.slot.get(draft).size() <= map.entries_max, "an accepted table is not too large");
}
void check(const Readiness& readiness, const Draft& draft)
{
    const ReadyWhen when = readiness.slot.get(draft);
    ENSURE((when.by == ReadyBy::log) != when.line.empty(), "an expression where one is needed");
    ENSURE(Expression(when.line).problem().empty(), "an expression that can be searched");
    ENSURE((when.by == ReadyBy::descriptor) == (when.fd >= 3 && when.fd <= 255), "a descriptor");
}
void check(const Choice& choice, const Draft& draft)
{
    ENSURE(choice.slot.get(draft) < choice.words.size(), "an accepted word is one of the set");
}
void check(const Rungs& rungs, const Draft& draft)
{
    ENSURE(!rungs.check(rungs.slot.get(draft)), "accepted rungs make a ladder");
}
void check(const Choices& choices, const Draft& draft)
{
    const auto chosen = choices.slot.get(draft);
    ENSURE(!choices.check(chosen), "accepted words make sense together");
}
void check(const SignalName& signal, const Draft& draft)
{
    ENSURE(signal.slot.get(draft) >= 1 && signal.slot.get(draft) <= 64, "a signal has a number");
}
void check(const ExitMatches& matches, const Draft& draft)
{
    for (const ExitMatch& match : matches.slot.get(draft))
        ENSURE(match.number >= 0 && match.number <= 255, "an exit code has eight bits");
}
void check(const StatusRanges& ranges, const Draft& draft)
{
    const auto accepted = ranges.slot.get(draft);
    ENSURE(!accepted.empty(), "some status passes");
    for (const StatusRange& range : accepted)
        ENSURE(range.low >= 100 && range.low <= range.high && range.high <= 599, "a status range");
}
void check(const Section&, const Draft&) {}
void check(const Sections&, const Draft&) {}
void check(const NamedSections&, const Draft&) {}
void check(const UnitKeys&, const Draft&) {}
void check(const Later&, const Draft&) {}

constexpr std::string_view of_unit, of_probe = "probe[].", of_step = "deploy.steps[].";

/// Rows of the unit, or those of its probes or steps.
void check_rows(const Draft& draft, std::string_view part)
{
    for (const Key& key : schema()) {
        const std::string_view parent = parent_of(key.path);
        if ((parent == of_probe || parent == of_step ? parent : of_unit) != part) continue;
        // Some defaults are outside the range: no port, no age.
        if (show(key.kind, draft) == show(key.kind, Draft{})) continue;
        std::visit([&](const auto& kind) { check(kind, draft); }, key.kind);
    }
}

/// Only what is used can say so.
bool uses_release(const UnitSpec& spec)
{
    const auto uses = [](const std::string& text) { return uses_placeholder(text, "release"); };
    const auto runs = [&](const std::vector<std::string>& words) {
        return std::any_of(words.begin(), words.end(), uses);
    };
    const auto sets = [&](const auto& variable) { return uses(variable.second); };
    bool found = runs(spec.command) || uses(spec.directory) ||
                 std::any_of(spec.environment.begin(), spec.environment.end(), sets);
    for (std::size_t i = 0; i < names_of<Hook>.size(); ++i)
        found = found || runs(command_of(spec, static_cast<Hook>(i)));
    return found;
}

void check_releases(const UnitSpec& spec)
{
    ENSURE(uses_release(spec) == has_releases(spec), "who runs from releases has some");
    for (const Rung& rung : spec.escalation.ladder)
        ENSURE(has_releases(spec) || (rung.kind != Rung::redeploy && rung.kind != Rung::rollback),
               "releases to climb to");
    ENSURE(spec.deploy.steps.size() <= 16, "not too many steps");
    ENSURE(tidy_path(spec.deploy.root) != "/" || !has_releases(spec), "never the host's root");
    Draft draft{spec, {}};
    for (const DeployStepSpec& step : spec.deploy.steps) {
        ENSURE(is_name(step.name) && !step.run.empty(), "every step has a name and a command");
        draft.step = step;
        check_rows(draft, of_step);
    }
}

void check_accepted(const UnitSpec& spec)
{
    ENSURE(!spec.command.empty() && !spec.command.front().empty(), "there is a program");
    ENSURE(spec.min_ready <= spec.instances, "enough instances");
    ENSURE(spec.probes.size() <= 32, "not too many probes");
    check_releases(spec);
    Draft draft{spec, {}};
    check_rows(draft, of_unit);
    for (const ProbeSpec& probe : spec.probes) {
        ENSURE(is_name(probe.name), "every probe has a name");
        draft.probe = {};
        draft.probe.common = probe;
        if (const auto* http = std::get_if<HttpTarget>(&probe.target)) draft.probe.http = *http;
        if (const auto* tcp = std::get_if<TcpTarget>(&probe.target)) draft.probe.tcp = *tcp;
        if (const auto* exec = std::get_if<ExecTarget>(&probe.target)) draft.probe.exec = *exec;
        check_rows(draft, of_probe);
        (void)fill(probe.target, placeholder_values(spec, 1, "/run/keel/web"));
    }
}

void check_problems(const std::vector<Problem>& problems)
{
    ENSURE(problems.size() <= Report::limit + 8, "problems are bounded");
    for (const Problem& problem : problems) {
        ENSURE(problem.line > 0 && problem.column > 0, "a problem has a position");
        ENSURE(!problem.message.empty() && !problem.hint.empty(), "a problem has words");
        for (const char c : to_text(problem))
            ENSURE(static_cast<unsigned char>(c) >= 0x20, "a problem is printable");
    }
}

} // namespace
} // namespace keel::units

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace keel::units;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::vector<LoadedUnit> units;
    units.push_back(load_unit(text, "web.toml"));
    const LoadedUnit& loaded = units.front();
    ENSURE(loaded.spec.has_value() == loaded.problems.empty(), "a spec or problems");
    check_problems(loaded.problems);
    if (loaded.spec) check_accepted(*loaded.spec);
    const LoadedDaemon daemon = load_daemon(text, "keel.toml");
    check_problems(daemon.problems);
    const LoadedUnit layered = load_unit(
        {"web", {"web.toml", std::string(text)}, {{"1.toml", std::string(text)}}}, daemon.defaults);
    ENSURE(layered.spec.has_value() == layered.problems.empty(), "a spec or problems");
    if (layered.spec) check_accepted(*layered.spec);
    for (const LoadedUnit& linked : link_units(std::move(units)).units)
        ENSURE(linked.spec.has_value() == linked.problems.empty(), "a spec or problems");
    return 0;
}
