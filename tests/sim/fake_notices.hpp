// ports::Notices: what processes say waits here, also while no engine lives, until one takes it.
#pragma once
#include "ports/notices.hpp"
#include "tests/sim/fake_loop.hpp"
#include "tests/sim/rng.hpp"

#include <algorithm>
#include <deque>
#include <map>

namespace keel::sim {

class FakeNotices final : public ports::Notices {
public:
    using Told = std::function<void(SpawnId, const core::Notice&)>;

    /// `told`: of each notice, before the engine is.
    FakeNotices(FakeLoop& loop, Rng& rng, Fuse& fuse, Told told)
        : loop_(loop), rng_(rng), fuse_(fuse), told_(std::move(told))
    {}

    // ---- ports::Notices
    void set_handlers(Handlers handlers) override { handlers_ = std::move(handlers); }
    Result<std::string> open(SpawnId id) override
    {
        fuse_.burn();
        sockets_[id] = {{}, life_};
        fuse_.burn();
        return "/run/keel/notify/" + std::to_string(number(id));
    }
    void take_over(const std::vector<SpawnId>& living) override
    {
        fuse_.burn();
        std::erase_if(sockets_, [&](const auto& entry) {
            return std::ranges::find(living, entry.first) == living.end();
        });
        for (const SpawnId id : living) {
            sockets_[id].listened_in = life_;
            deliver_later(id);
        }
        fuse_.burn();
    }
    void hear(SpawnId id) override
    {
        fuse_.burn();
        deliver(id);
    }
    void close(SpawnId id) override
    {
        fuse_.burn();
        deliver(id);
        sockets_.erase(id);
        fuse_.burn();
    }

    // ---- the world's side
    Duration latency{0}; ///< from a notice to the engine's hearing of it, at most

    void engine_died()
    {
        ++life_;
        handlers_ = {};
    }
    void say(SpawnId id, core::Notice notice)
    {
        const auto found = sockets_.find(id);
        if (found == sockets_.end()) return;
        found->second.waiting.push_back(std::move(notice));
        deliver_later(id);
    }
    /// The earliest that is not told yet.
    [[nodiscard]] const std::deque<core::Notice>* waiting(SpawnId id) const
    {
        const auto found = sockets_.find(id);
        return found == sockets_.end() ? nullptr : &found->second.waiting;
    }

private:
    struct Socket {
        std::deque<core::Notice> waiting;
        std::uint64_t listened_in = 0; ///< the engine life that listens to it
    };

    void deliver_later(SpawnId id)
    {
        loop_.in(rng_.upto(latency), [this, id, life = life_] {
            if (life == life_) deliver(id);
        });
    }
    void deliver(SpawnId id)
    {
        for (;;) {
            const auto found = sockets_.find(id);
            if (found == sockets_.end() || found->second.waiting.empty()) return;
            if (!handlers_.on_notice || found->second.listened_in != life_) return;
            const core::Notice next = found->second.waiting.front();
            told_(id, next);
            handlers_.on_notice(id, next);
            if (const auto still = sockets_.find(id); still != sockets_.end())
                still->second.waiting.pop_front();
        }
    }

    FakeLoop& loop_;
    Rng& rng_;
    Fuse& fuse_;
    Told told_;
    Handlers handlers_;
    std::uint64_t life_ = 1;
    std::map<SpawnId, Socket> sockets_;
};

} // namespace keel::sim
