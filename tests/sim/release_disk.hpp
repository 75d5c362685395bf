// A disk for releases that is a few sets: what keel-release and the steps of a unit do to it, and
// how to tell from what is run what it is about.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace keel::sim {

class ReleaseDisk {
public:
    enum class Tree : std::uint8_t { partial, whole };
    std::set<std::string> archives;
    std::map<std::string, Tree> trees;
    std::map<std::string, unsigned> makings;              ///< how often each was put in place
    std::set<std::string> with_formers;                   ///< trees of before are there still
    std::string current;                                  ///< what the link names
    std::map<std::string, std::set<std::string>> applied; ///< by release: steps done, not undone

    void put(const std::string& id)
    {
        archives.insert(id);
        trees[id] = Tree::whole;
    }
    [[nodiscard]] bool is_whole(const std::string& id) const
    {
        const auto found = trees.find(id);
        return found != trees.end() && found->second == Tree::whole;
    }
    [[nodiscard]] bool is_applied(const std::string& id, const std::string& step) const
    {
        const auto found = applied.find(id);
        return found != applied.end() && found->second.contains(step);
    }

    /// How much of it came to pass.
    enum class Extent : std::uint8_t { none, half, whole };
    void take_effect(const std::vector<std::string>& argv, Extent extent)
    {
        if (extent == Extent::none) return;
        const std::string verb = verb_of(argv);
        const std::string id = release_of(argv);
        const bool is_whole = extent == Extent::whole;
        if (verb == "fetch" && is_whole) archives.insert(id);
        if (verb == "unpack" && is_whole) put_in_place(id, has(argv, "--keep-replaced"));
        if (verb == "unpack") trees.try_emplace(id, Tree::partial);
        if (verb == "point" && is_whole) current = id;
        if (verb == "remove" && has(argv, "--formers"))
            with_formers.erase(id);
        else if (verb == "remove")
            remove(id, extent);
        if (verb == "up") applied[id].insert(step_of(argv));
        if (verb == "down" && is_whole) applied[id].erase(step_of(argv));
    }

    static bool has(const std::vector<std::string>& argv, std::string_view word)
    {
        return std::ranges::find(argv, word) != argv.end();
    }

    // ---- what is run: `keel-release VERB --id ID …`, `/bin/up ROOT/releases/ID STEP`
    static std::string verb_of(const std::vector<std::string>& argv)
    {
        const std::string program = argv.front().substr(argv.front().rfind('/') + 1);
        return program == "keel-release" ? argv.at(1) : program;
    }
    static std::string release_of(const std::vector<std::string>& argv)
    {
        const auto at = std::ranges::find(argv, "--id");
        if (at != argv.end()) return *(at + 1);
        return argv.size() > 1 ? release_in(argv[1]) : release_in(argv.front());
    }
    /// Of which release a path is; empty: of none.
    static std::string release_in(const std::string& path)
    {
        constexpr std::string_view inside = "/releases/";
        const auto from = path.find(inside);
        if (from == std::string::npos) return {};
        const auto begin = from + inside.size();
        return path.substr(begin, path.find('/', begin) - begin);
    }

private:
    static std::string step_of(const std::vector<std::string>& argv)
    {
        return argv.size() > 2 ? argv[2] : "";
    }
    /// By one rename, or exchange.
    void put_in_place(const std::string& id, bool keeps_replaced)
    {
        if (keeps_replaced) with_formers.insert(id);
        trees[id] = Tree::whole;
        ++makings[id];
    }
    void remove(const std::string& id, Extent extent)
    {
        with_formers.erase(id);
        if (extent == Extent::whole) {
            trees.erase(id);
            archives.erase(id);
        } else if (trees.contains(id)) {
            trees[id] = Tree::partial;
        }
    }
};

} // namespace keel::sim
