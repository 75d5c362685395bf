// A spawner without processes.
#pragma once
#include "ports/spawner.hpp"

#include <optional>
#include <string>
#include <unistd.h>
#include <variant>
#include <vector>

namespace keel::notify {

/// Keeps what it was asked for.
class NotingSpawner final : public ports::Spawner {
public:
    std::optional<ports::SpawnFailure> refusal;
    ports::SpawnPlan plan;
    std::string input; ///< of the latest
    std::vector<std::string> calls;

    [[nodiscard]] std::variant<ports::ProcessIdentity, ports::SpawnFailure>
    spawn(SpawnId, const ports::SpawnPlan& wanted) override
    {
        plan = wanted;
        char text[64];
        const auto count = ::read(wanted.input_fd, text, sizeof text);
        input.assign(text, count > 0 ? static_cast<std::size_t>(count) : 0);
        if (refusal) return *refusal;
        return ports::ProcessIdentity{77, 1};
    }
    void signal(SpawnId, int) override { calls.emplace_back("signal"); }
    void set_resources(SpawnId, const units::ResourcesSpec&) override {}
    void take_for_main(SpawnId, pid_t) override {}
    void kill_tree(SpawnId) override { calls.emplace_back("kill tree"); }
    void acknowledge(SpawnId) override { calls.emplace_back("acknowledge"); }
    void set_handlers(Handlers) override {}
    [[nodiscard]] std::vector<Survivor> survivors(const std::vector<Survivor>&) override
    {
        return {};
    }
};

} // namespace keel::notify
