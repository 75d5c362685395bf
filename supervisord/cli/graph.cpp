#include "cli/graph.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace keel::cli {

using core::UnitView;

namespace {

/// A start follows from a readiness that came at most so long before it. A dependant starts within
/// the same turn of the engine, unless the machine is very busy.
constexpr Duration follows_within = std::chrono::seconds(1);

/// Whether a start waits for the unit that the edge names.
bool gates_starts(const GraphEdge& edge) { return edge.kind != GraphEdge::Kind::restart_with; }

} // namespace

std::string_view name_of(GraphEdge::Kind kind)
{
    constexpr std::array names =
        std::to_array<std::string_view>({"requires", "binds_to", "after", "restart_with"});
    return names.at(static_cast<std::size_t>(kind));
}

std::vector<GraphEdge> edges_of(const UnitView& unit)
{
    using Kind = GraphEdge::Kind;
    std::vector<GraphEdge> edges;
    const auto add = [&](Kind kind, const std::vector<std::string>& names) {
        for (const std::string& name : names)
            edges.push_back({kind, name});
    };
    add(Kind::requires_unit, unit.edges.requires_units);
    add(Kind::binds_to, unit.edges.binds_to);
    add(Kind::after, unit.edges.after);
    add(Kind::restart_with, unit.edges.restart_with);
    return edges;
}

std::optional<StartLink> start_of(const UnitView& unit)
{
    std::vector<core::LastStart> starts;
    for (const auto& instance : unit.instances)
        if (instance.last_start.began && instance.last_start.ready)
            starts.push_back(instance.last_start);
    const std::size_t needed = std::max<std::size_t>(unit.min_ready, 1);
    if (starts.size() < needed) return std::nullopt;
    std::ranges::sort(starts, {}, [](const auto& start) { return *start.ready; });
    const core::LastStart& decisive = starts[needed - 1];
    return StartLink{unit.name, *decisive.began, *decisive.ready};
}

Graph::Graph(std::vector<UnitView> units, const std::vector<std::string>& wanted) : wanted_(wanted)
{
    for (UnitView& unit : units) {
        std::string name = unit.name;
        units_.emplace(std::move(name), std::move(unit));
    }
    if (!wanted.empty()) keep_only(wanted);
}

const UnitView* Graph::find(std::string_view name) const
{
    const auto found = units_.find(name);
    return found == units_.end() ? nullptr : &found->second;
}

void Graph::keep_only(const std::vector<std::string>& wanted)
{
    std::set<std::string> kept;
    std::vector<std::string> to_see = wanted;
    while (!to_see.empty()) {
        const std::string name = std::move(to_see.back());
        to_see.pop_back();
        const UnitView* const unit = find(name);
        if (unit == nullptr || !kept.insert(name).second) continue;
        for (const GraphEdge& edge : edges_of(*unit))
            to_see.push_back(edge.to);
    }
    std::erase_if(units_, [&](const auto& entry) { return !kept.contains(entry.first); });
}

/// Those that were asked for; else those that no other unit names, and one of each circle.
std::vector<std::string> Graph::roots() const
{
    if (!wanted_.empty()) return wanted_;
    std::set<std::string> reached;
    const auto reach = [&](const auto& self, const std::string& name) -> void {
        const UnitView* const unit = find(name);
        if (unit == nullptr || !reached.insert(name).second) return;
        for (const GraphEdge& edge : edges_of(*unit))
            self(self, edge.to);
    };
    std::set<std::string> named;
    for (const auto& [name, unit] : units_)
        for (const GraphEdge& edge : edges_of(unit))
            named.insert(edge.to);
    std::vector<std::string> roots;
    for (const bool is_named : {false, true})
        for (const auto& [name, unit] : units_)
            if (named.contains(name) == is_named && !reached.contains(name)) {
                roots.push_back(name);
                reach(reach, name);
            }
    return roots;
}

// ---- critical path ------------------------------------------------------------------------------

/// Of what the unit waits for, what was ready last before that start, if the start came of it.
std::optional<StartLink> Graph::waited_for(const UnitView& unit, WallTime began) const
{
    std::optional<StartLink> last;
    for (const GraphEdge& edge : edges_of(unit)) {
        const UnitView* const other = gates_starts(edge) ? find(edge.to) : nullptr;
        const auto start = other != nullptr ? start_of(*other) : std::nullopt;
        if (!start || start->ready > began || began - start->ready > follows_within) continue;
        if (!last || start->ready > last->ready) last = start;
    }
    return last;
}

std::vector<StartLink> Graph::critical_path() const
{
    std::optional<StartLink> link;
    for (const auto& [name, unit] : units_) {
        const auto start = start_of(unit);
        if (start && (!link || start->ready > link->ready)) link = start;
    }
    std::vector<StartLink> path;
    // Each link was ready before the next began, so the path is no longer than there are units;
    // clocks that were set may have it otherwise.
    while (link && path.size() < units_.size()) {
        path.push_back(*link);
        link = waited_for(*find(link->unit), link->began);
    }
    std::ranges::reverse(path);
    return path;
}

} // namespace keel::cli
