#include "units/dependencies.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>

namespace keel::units {
namespace {

using Index = std::size_t;

/// One name in `requires`, `binds_to`, `after` or `restart_with` of a unit.
struct Edge {
    std::string_view key;
    std::string_view name;
    std::optional<Index> target; ///< none: no such unit

    /// Whether the unit cannot run without the other.
    [[nodiscard]] bool is_requirement() const { return key == "requires" || key == "binds_to"; }
};

class Graph {
public:
    explicit Graph(std::vector<LoadedUnit>& units) : units_(units), edges_(units.size())
    {
        for (Index i = 0; i < units_.size(); ++i) {
            const UnitSpec* const spec = readable_spec(units_[i]);
            if (spec == nullptr) continue;
            add_edges(i, "requires", spec->requires_units);
            add_edges(i, "binds_to", spec->binds_to);
            add_edges(i, "after", spec->after);
            add_edges(i, "restart_with", spec->restart_with);
        }
    }

    void report_missing()
    {
        for (Index i = 0; i < units_.size(); ++i)
            for (const Edge& edge : edges_[i])
                if (!edge.target) report_missing(i, edge);
    }

    /// Walks in depth, in the order of names. An edge back onto the path walked closes a cycle,
    /// and the unit whose edge that is gets the problem: without it, the rest is in order.
    void report_cycles()
    {
        enum class Mark : std::uint8_t { fresh, on_path, done };
        std::vector<Mark> marks(units_.size(), Mark::fresh);
        struct Stop {
            Index unit;
            std::size_t next_edge = 0;
        };
        for (Index root = 0; root < units_.size(); ++root) {
            if (marks[root] != Mark::fresh) continue;
            std::vector<Stop> path{{root}};
            marks[root] = Mark::on_path;
            while (!path.empty()) {
                const Index here = path.back().unit;
                if (path.back().next_edge == edges_[here].size()) {
                    marks[here] = Mark::done;
                    path.pop_back();
                    continue;
                }
                const Edge& edge = edges_[here][path.back().next_edge++];
                if (!edge.target || marks[*edge.target] == Mark::done) continue;
                if (marks[*edge.target] == Mark::fresh) {
                    marks[*edge.target] = Mark::on_path;
                    path.push_back({*edge.target});
                    continue;
                }
                const auto from = std::find_if(path.begin(), path.end(), [&](const Stop& stop) {
                    return stop.unit == *edge.target;
                });
                std::string cycle = units_[here].name;
                for (auto stop = from; stop != path.end(); ++stop)
                    cycle += " -> " + units_[stop->unit].name;
                report_cycle(here, edge, cycle);
            }
        }
    }

    /// A unit is broken by its own problems, or by requiring a broken one.
    void report_broken_requirements()
    {
        std::vector<std::vector<Index>> dependants(units_.size());
        std::vector<Index> broken;
        for (Index i = 0; i < units_.size(); ++i) {
            if (!units_[i].problems.empty()) broken.push_back(i);
            for (const Edge& edge : edges_[i])
                if (edge.target && edge.is_requirement()) dependants[*edge.target].push_back(i);
        }
        while (!broken.empty()) {
            const Index cause = broken.back();
            broken.pop_back();
            for (const Index dependant : dependants[cause]) {
                if (units_[dependant].problems.empty()) broken.push_back(dependant);
                report_broken(dependant, cause);
            }
        }
    }

private:
    void add_edges(Index from, std::string_view key, const std::vector<std::string>& names)
    {
        for (const std::string& name : names) {
            if (name == units_[from].name) continue; // the loader has said so
            const auto found = std::lower_bound(
                units_.begin(), units_.end(), name,
                [](const LoadedUnit& unit, const std::string& n) { return unit.name < n; });
            Edge edge{key, name, std::nullopt};
            if (found != units_.end() && found->name == name)
                edge.target = static_cast<Index>(found - units_.begin());
            edges_[from].push_back(edge);
        }
    }

    void report(Index unit, const Edge& edge, Mistake mistake)
    {
        LoadedUnit& loaded = units_[unit];
        const Position at = position_of(loaded, fmt::format("{}.{}", edge.key, edge.name));
        loaded.problems.push_back({loaded.sources.at(at.source), at.line, at.column,
                                   std::string(edge.key), std::move(mistake.message),
                                   std::move(mistake.hint)});
    }

    void report_missing(Index unit, const Edge& edge)
    {
        std::vector<std::string_view> others;
        for (const LoadedUnit& other : units_)
            if (other.name != units_[unit].name) others.push_back(other.name);
        const auto hint = did_you_mean(edge.name, others);
        report(unit, edge,
               {fmt::format("there is no unit `{}`", edge.name),
                hint.value_or(fmt::format("it would be {}.toml beside this file", edge.name))});
    }

    void report_cycle(Index unit, const Edge& edge, const std::string& cycle)
    {
        report(
            unit, edge,
            {fmt::format("makes a cycle: {}", cycle),
             fmt::format("they would wait for one another for ever; leave `{}` out", edge.name)});
    }

    void report_broken(Index unit, Index cause)
    {
        for (const Edge& edge : edges_[unit])
            if (edge.is_requirement() && edge.target == cause)
                report(unit, edge,
                       {fmt::format("requires `{}`, which has problems", edge.name),
                        fmt::format("mend {} first", units_[cause].path)});
    }

    std::vector<LoadedUnit>& units_;
    std::vector<std::vector<Edge>> edges_;
};

} // namespace

void check_dependencies(std::vector<LoadedUnit>& units)
{
    Graph graph(units);
    graph.report_missing();
    graph.report_cycles();
    graph.report_broken_requirements();
}

} // namespace keel::units
