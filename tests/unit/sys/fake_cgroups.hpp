// The kernel's control groups as far as limits go: a tree of groups with files, and the rules by
// which files come and go.
//
//   a controller is in a group's cgroup.controllers if the group above hands it down
//   it may be handed down (`+memory` into cgroup.subtree_control) only by a group that has it, and
//   has no processes of its own; taken back (`-memory`) only if no group below hands it down
//   a limit's file is there as long as the controller is; it begins with the kernel's default
#pragma once
#include "sys/cgroup_files.hpp"
#include "units/resources.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace keel::sys {

class FakeCgroups final : public CgroupFiles {
public:
    /// The base, and what its parent hands down to it.
    explicit FakeCgroups(std::set<std::string> controllers)
    {
        groups_[""].has = std::move(controllers);
    }

    // ---- CgroupFiles
    Result<std::string> read(const std::string& path) const override
    {
        const std::lock_guard lock(mutex_);
        const auto [group, file] = split(path);
        const auto found = groups_.find(group);
        if (found == groups_.end()) return Error{"open", path, ENOENT};
        if (file == "cgroup.controllers")
            return fmt::format("{}\n", fmt::join(found->second.has, " "));
        if (file == "cgroup.subtree_control")
            return fmt::format("{}\n", fmt::join(found->second.hands_down, " "));
        const auto limit = found->second.limits.find(file);
        if (limit == found->second.limits.end()) return Error{"open", path, ENOENT};
        return limit->second + "\n";
    }
    Result<void> write(const std::string& path, std::string_view text) const override
    {
        const std::lock_guard lock(mutex_);
        const auto [group, file] = split(path);
        const auto found = groups_.find(group);
        if (found == groups_.end()) return Error{"open", path, ENOENT};
        writes_.push_back(fmt::format("{} {}", path, text));
        if (file == "cgroup.subtree_control") return hand_down(group, found->second, text);
        const auto limit = found->second.limits.find(file);
        if (limit == found->second.limits.end()) return Error{"open", path, ENOENT};
        if (refused.contains(file)) return Error{"write", path, refused.at(file)};
        limit->second = text;
        return {};
    }
    std::vector<std::string> groups_in(const std::string& path) const override
    {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> names;
        for (const auto& [group, content] : groups_)
            if (is_child(group, path))
                names.push_back(group.substr(path.empty() ? 0 : path.size() + 1));
        return names;
    }

    // ---- the world's side
    void make(const std::string& group)
    {
        const std::lock_guard lock(mutex_);
        Group& made = groups_[group];
        for (const std::string& controller : groups_.at(parent_of(group)).hands_down)
            give(made, controller);
    }
    /// `nothing`: there is no such file.
    [[nodiscard]] std::string limit(const std::string& path) const
    {
        const auto text = read(path);
        return text ? text->substr(0, text->size() - 1) : "nothing";
    }
    [[nodiscard]] std::set<std::string> handed_down_by(const std::string& group) const
    {
        return groups_.at(group).hands_down;
    }
    void put_a_process_into(const std::string& group) { groups_.at(group).has_processes = true; }

    /// In order, also those that failed.
    [[nodiscard]] std::vector<std::string> writes() const
    {
        const std::lock_guard lock(mutex_);
        return writes_;
    }
    std::map<std::string, int> refused;  ///< errno, by the file's name
    std::set<std::string> files_missing; ///< that this kernel does not have

private:
    struct Group {
        std::set<std::string> has, hands_down;
        std::map<std::string, std::string> limits;
        bool has_processes = false;
    };

    static std::pair<std::string, std::string> split(const std::string& path)
    {
        const std::size_t slash = path.rfind('/');
        if (slash == std::string::npos) return {"", path};
        return {path.substr(0, slash), path.substr(slash + 1)};
    }
    static std::string parent_of(const std::string& group) { return split(group).first; }
    static bool is_child(const std::string& group, const std::string& path)
    {
        return !group.empty() && parent_of(group) == path;
    }

    void give(Group& group, const std::string& controller) const
    {
        group.has.insert(controller);
        for (const units::ResourceSetting& setting : units::settings_of({}))
            if (setting.controller == controller &&
                !files_missing.contains(std::string(setting.file)))
                group.limits.emplace(setting.file, setting.value);
        if (controller == "io" && !files_missing.contains("io.bfq.weight"))
            group.limits.emplace("io.bfq.weight", "100");
    }
    void take(Group& group, const std::string& controller) const
    {
        group.has.erase(controller);
        std::erase_if(group.limits,
                      [&](const auto& limit) { return limit.first.starts_with(controller + "."); });
    }

    Result<void> hand_down(const std::string& name, Group& group, std::string_view text) const
    {
        const std::string controller(text.substr(1));
        if (text[0] == '+') {
            if (!group.has.contains(controller)) return Error{"write", name, ENOENT};
            if (group.has_processes) return Error{"write", name, EBUSY};
            group.hands_down.insert(controller);
        }
        for (auto& [child, content] : groups_) {
            if (!is_child(child, name)) continue;
            if (text[0] == '-' && content.hands_down.contains(controller))
                return Error{"write", name, EBUSY};
            text[0] == '+' ? give(content, controller) : take(content, controller);
        }
        if (text[0] == '-') group.hands_down.erase(controller);
        return {};
    }

    mutable std::mutex mutex_;
    mutable std::vector<std::string> writes_;
    mutable std::map<std::string, Group> groups_; ///< by path; the base is the empty one
};

} // namespace keel::sys
