// Units and what they name of one another: as a tree, for graphviz, as JSON; and the critical path
// of the last start: which units, one after the other, decided when the last one was ready.
//
// Pure: everything is made of views.
#pragma once
#include "cli/context.hpp"
#include "core/views.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::cli {

/// How a unit names another; one that names it in several ways has several edges.
struct GraphEdge {
    enum class Kind : std::uint8_t { requires_unit, binds_to, after, restart_with } kind;
    std::string to;
};
/// The key of the unit file: `binds_to`.
std::string_view name_of(GraphEdge::Kind kind);
std::vector<GraphEdge> edges_of(const core::UnitView& unit);

/// One unit of a chain of starts.
struct StartLink {
    std::string unit;
    WallTime began; ///< its process was started
    WallTime ready; ///< as many of its instances as it needs were
};
/// None: it was never ready since it was last started, or Keel does not know.
std::optional<StartLink> start_of(const core::UnitView& unit);

class Graph {
public:
    /// Of `wanted` and of what these name, directly or not; without names, of all units.
    Graph(std::vector<core::UnitView> units, const std::vector<std::string>& wanted);

    /// In the order in which they were started; empty: no start is known.
    [[nodiscard]] std::vector<StartLink> critical_path() const;

    [[nodiscard]] std::string tree(const Screen& screen) const;
    [[nodiscard]] std::string dot() const;
    [[nodiscard]] std::string json() const;

private:
    class TreeWriter;
    [[nodiscard]] const core::UnitView* find(std::string_view name) const;
    [[nodiscard]] std::optional<StartLink> waited_for(const core::UnitView& unit,
                                                      WallTime began) const;
    [[nodiscard]] std::vector<std::string> roots() const;
    void keep_only(const std::vector<std::string>& wanted);

    std::map<std::string, core::UnitView, std::less<>> units_;
    std::vector<std::string> wanted_;
};

} // namespace keel::cli
