// keel graph: what depends on what, and which units decided how long the last start took.
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/graph.hpp"
#include "cli/status.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::cli {

using control::trouble_of;
using core::UnitView;

Exit graph(const Context& context, const GraphOptions& options)
{
    const auto json = control::get(context.socket_path, "/v1/units",
                                   control::deadline_in(std::chrono::seconds(10)));
    if (const auto* trouble = trouble_of(json)) return give_up(*trouble);
    auto read = understood(std::get<std::string>(json));
    if (const auto* trouble = trouble_of(read)) return give_up(*trouble);
    auto& units = std::get<std::vector<UnitView>>(read);
    for (const std::string& name : options.units)
        if (std::ranges::find(units, name, &UnitView::name) == units.end()) {
            std::vector<std::string_view> known;
            for (const UnitView& unit : units)
                known.push_back(unit.name);
            const auto near = nearest(name, known);
            complain(fmt::format("there is no unit `{}`", printable(name, 64)),
                     near ? fmt::format("did you mean `{}`?", *near) : "`keel status` lists them");
            return Exit::usage;
        }
    const Graph graph(std::move(units), options.units);
    if (context.as_json())
        print(graph.json());
    else
        print(options.shape == GraphOptions::Shape::dot ? graph.dot() : graph.tree(context.screen));
    return Exit::done;
}

} // namespace keel::cli
