// The graph of units as a tree for people, as DOT, and as JSON.
#include "base/text.hpp"
#include "cli/graph.hpp"
#include "cli/layout.hpp"
#include "cli/table.hpp"
#include "cli/words.hpp"
#include "control/json_writer.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace keel::cli {
namespace {

using core::UnitView;

/// All edges between the same two units, in one word: `requires, restart_with`.
struct Branch {
    std::string to;
    std::string label;
};

std::vector<Branch> branches_of(const UnitView& unit)
{
    std::vector<Branch> branches;
    for (const GraphEdge& edge : edges_of(unit)) {
        const auto same = std::ranges::find(branches, edge.to, &Branch::to);
        if (same == branches.end())
            branches.push_back({edge.to, std::string(name_of(edge.kind))});
        else
            same->label += fmt::format(", {}", name_of(edge.kind));
    }
    return branches;
}

Duration length_of(const StartLink& link) { return std::max(Duration{0}, link.ready - link.began); }

Duration length_of(const std::vector<StartLink>& path)
{
    return std::max(Duration{0}, path.back().ready - path.front().began);
}

std::string path_text(const std::vector<StartLink>& path, const Screen& screen)
{
    Table table(
        {{"CRITICAL PATH"}, {"TOOK", Table::Align::right}, {"READY AFTER", Table::Align::right}});
    for (const StartLink& link : path)
        table.add({{link.unit, Tone::strong},
                   {to_human(length_of(link))},
                   {to_human(std::max(Duration{0}, link.ready - path.front().began))}});
    return table.text(screen);
}

} // namespace

// ---- tree ---------------------------------------------------------------------------------------

class Graph::TreeWriter {
public:
    TreeWriter(const Graph& graph, const Screen& screen) : graph_(graph), screen_(screen) {}

    std::string write()
    {
        for (const std::string& root : graph_.roots())
            write_unit({}, {}, {root, {}});
        return std::move(text_);
    }

private:
    /// `before` stands before the unit's own line, `below` before the lines under it.
    void write_unit(const std::string& before, const std::string& below, const Branch& branch)
    {
        const UnitView* const unit = graph_.find(branch.to);
        std::string line = before;
        if (!branch.label.empty()) line += toned(branch.label, Tone::dim, screen_.colour) + " ";
        line += toned(branch.to, Tone::strong, screen_.colour) + "  ";
        if (unit == nullptr)
            return add(line + toned("there is no such unit", Tone::bad, screen_.colour));
        line += toned(name(unit->status), tone_of(unit->status), screen_.colour);
        const auto branches = branches_of(*unit);
        if (branches.empty()) return add(line);
        if (!told_.insert(branch.to).second)
            return add(line + toned("  (as above)", Tone::dim, screen_.colour));
        add(line);
        for (const Branch& next : branches) {
            const bool last = &next == &branches.back();
            write_unit(below + (last ? "└─ " : "├─ "), below + (last ? "   " : "│  "), next);
        }
    }

    void add(const std::string& line)
    {
        text_ += (screen_.width ? cut(line, *screen_.width) : line) + "\n";
    }

    const Graph& graph_;
    const Screen& screen_;
    std::set<std::string> told_; ///< units whose branches have been shown
    std::string text_;
};

std::string Graph::tree(const Screen& screen) const
{
    if (units_.empty()) return "No units.\n";
    std::vector<std::string> found;
    for (const auto& [unit_name, unit] : units_)
        if (unit.ready > 0 && !start_of(unit)) found.push_back(unit_name);
    const auto path = critical_path();
    std::string text = TreeWriter(*this, screen).write() + "\n";
    if (!path.empty()) text += path_text(path, screen);
    if (!found.empty())
        text += hanging({},
                        fmt::format("Not known is how {} started: keeld found {} running.",
                                    fmt::join(found, ", "), found.size() == 1 ? "it" : "them"),
                        columns_of(screen));
    if (path.empty() && found.empty()) text += "Nothing has been ready yet.\n";
    return text;
}

// ---- for programs -------------------------------------------------------------------------------

namespace {

/// Text in double quotes, as DOT has it.
std::string quoted(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c == '\n' ? "\\n" : std::string(1, c);
    }
    return out + "\"";
}

std::string_view style_of(GraphEdge::Kind kind)
{
    switch (kind) {
    case GraphEdge::Kind::requires_unit: return "solid";
    case GraphEdge::Kind::binds_to: return "bold";
    case GraphEdge::Kind::after: return "dashed";
    case GraphEdge::Kind::restart_with: return "dotted";
    }
    return "solid";
}

std::string_view colour_of(Tone tone)
{
    if (tone == Tone::good) return "darkgreen";
    if (tone == Tone::warning) return "darkorange";
    return tone == Tone::bad ? "red" : "gray";
}

} // namespace

std::string Graph::dot() const
{
    const auto path = critical_path();
    std::set<std::pair<std::string, std::string>> critical;
    for (std::size_t i = 1; i < path.size(); ++i)
        critical.emplace(path[i].unit, path[i - 1].unit);

    std::string text = "// Arrows lead from a unit to what it names. Thick and red: the critical "
                       "path of the last start.\ndigraph keel {\n    rankdir = LR;\n"
                       "    node [shape = box, style = rounded, fontname = \"sans-serif\"];\n"
                       "    edge [fontname = \"sans-serif\", fontsize = 10];\n";
    for (const auto& [unit_name, unit] : units_) {
        const auto start = start_of(unit);
        const std::string took = start ? ", took " + to_human(length_of(*start)) : "";
        const std::string label = quoted(unit_name + "\n" + std::string(name(unit.status)) + took);
        text += fmt::format("    {} [label = {}, color = {}];\n", quoted(unit_name), label,
                            colour_of(tone_of(unit.status)));
    }
    for (const auto& [unit_name, unit] : units_)
        for (const GraphEdge& edge : edges_of(unit)) {
            const bool on_path = critical.contains({unit_name, edge.to}) &&
                                 edge.kind != GraphEdge::Kind::restart_with;
            text += fmt::format("    {} -> {} [label = {}, style = {}{}];\n", quoted(unit_name),
                                quoted(edge.to), quoted(name_of(edge.kind)), style_of(edge.kind),
                                on_path ? ", color = red, penwidth = 2.5" : "");
        }
    return text + "}\n";
}

std::string Graph::json() const
{
    control::JsonWriter out;
    const auto write_start = [&](const std::optional<StartLink>& start) {
        out.member("started_at", start ? std::optional(to_rfc3339(start->began)) : std::nullopt)
            .member("ready_at", start ? std::optional(to_rfc3339(start->ready)) : std::nullopt)
            .member("seconds", start ? std::optional(seconds(length_of(*start))) : std::nullopt);
    };
    out.begin_object().key("units").begin_list();
    for (const auto& [unit_name, unit] : units_) {
        out.begin_object().member("name", unit_name).member("status", name(unit.status));
        write_start(start_of(unit));
        out.key("edges").begin_list();
        for (const GraphEdge& edge : edges_of(unit))
            out.begin_object()
                .member("to", edge.to)
                .member("kind", name_of(edge.kind))
                .end_object();
        out.end_list().end_object();
    }
    out.end_list().key("critical_path").begin_list();
    const auto path = critical_path();
    for (const StartLink& link : path) {
        out.begin_object().member("unit", link.unit);
        write_start(link);
        out.end_object();
    }
    out.end_list().member("seconds",
                          path.empty() ? std::nullopt : std::optional(seconds(length_of(path))));
    return out.end_object().take() + "\n";
}

} // namespace keel::cli
