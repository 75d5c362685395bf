// keel probe: what the probes of a unit find when they are run now.
#include "cli/probe.hpp"
#include "cli/commands.hpp"
#include "cli/target.hpp"
#include "cli/words.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::cli {
namespace {

bool passes(const core::TriedProbe& tried) { return tried.probe.verdict == core::Verdict::pass; }

} // namespace

std::string tried_table(const std::vector<core::TriedProbe>& tried, const Screen& screen)
{
    Table table({{"INSTANCE"}, {"PROBE"}, {"FOUND"}});
    for (const auto& each : tried)
        table.add({{each.instance, Tone::strong},
                   {each.probe.name},
                   {probe_note(each.probe), passes(each) ? Tone::good : Tone::bad}});
    return table.text(screen);
}

Exit probe(const Context& context, const std::string& target)
{
    const auto wanted = parse_target(target);
    if (!wanted) {
        complain(fmt::format("`{}` is neither a unit nor an instance", target),
                 "an instance is written worker.3");
        return Exit::usage;
    }
    control::Call::Spec spec;
    spec.method = "POST";
    spec.target = fmt::format("/v1/units/{}/probe", control::url_encoded(wanted->unit));
    if (wanted->slot) spec.target += fmt::format("?instance={}", *wanted->slot);
    auto call = control::Call::begin(context.socket_path, spec);
    if (const auto* trouble = control::trouble_of(call)) return give_up(*trouble);
    // How long that takes is for the probes' own timeouts to say.
    const auto body = control::body_or_trouble(std::get<control::Call>(call).finish({}));
    if (const auto* trouble = control::trouble_of(body)) return give_up(*trouble);
    const std::string& json = std::get<std::string>(body);
    const auto tried = control::decode_tried(json);
    if (!tried) return give_up({control::Trouble::Kind::garbled, tried.error().text(), {}});
    if (context.as_json())
        print(json + "\n");
    else if (tried->empty())
        print(fmt::format("{} has no probes.\n", wanted->unit));
    else
        print(tried_table(*tried, context.screen));
    return std::ranges::all_of(*tried, passes) ? Exit::done : Exit::failed;
}

} // namespace keel::cli
