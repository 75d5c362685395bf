// ports::ReadyPipes without pipes: what was written waits here, also while no engine lives.
#pragma once
#include "ports/ready_pipes.hpp"
#include "tests/sim/rng.hpp"

#include <algorithm>
#include <map>

namespace keel::sim {

class FakeReadyPipes final : public ports::ReadyPipes {
public:
    explicit FakeReadyPipes(Fuse& fuse) : fuse_(fuse) {}

    // ---- ports::ReadyPipes
    void set_handlers(Handlers handlers) override { handlers_ = std::move(handlers); }
    Result<int> open(SpawnId id) override
    {
        fuse_.burn();
        pipes_[id] = {};
        return 99;
    }
    void begun(SpawnId) override {}
    void take_over(const std::vector<SpawnId>& living) override
    {
        std::erase_if(pipes_, [&](const auto& entry) {
            return std::ranges::find(living, entry.first) == living.end();
        });
        for (const SpawnId id : living)
            hear(id);
    }
    void hear(SpawnId id) override
    {
        const auto found = pipes_.find(id);
        if (found == pipes_.end() || !handlers_.on_newline) return;
        if (found->second == Content::newline) handlers_.on_newline(id);
        if (found->second == Content::end) handlers_.on_shut(id);
    }
    void close(SpawnId id) override
    {
        if (pipes_.erase(id) > 0) fuse_.burn();
    }

    // ---- the world's side
    enum class Content : std::uint8_t { nothing, newline, end };
    /// Told at once where an engine lives, and to each that follows.
    void put(SpawnId id, Content content)
    {
        pipes_.at(id) = content;
        hear(id);
    }
    [[nodiscard]] bool is_open(SpawnId id) const { return pipes_.contains(id); }
    void engine_died() { handlers_ = {}; }

private:
    Fuse& fuse_;
    Handlers handlers_;
    std::map<SpawnId, Content> pipes_;
};

} // namespace keel::sim
