// Carries out probe attempts of all kinds: ports::Prober.
//
// Promises: an answer comes exactly once, from a turn of its own, never from inside probe(); never
// after cancel(), which closes connections and kills programs at once. Nothing a target does stalls
// the loop: not a name server that hangs, not an endless answer, not an expensive expression. A
// target is asked on a fresh connection each time. Nothing is set up before it is needed: a daemon
// without HTTP probes does not pay for libcurl.
//
// It refuses to know when to probe and what follows from an answer.
#pragma once
#include "core/process.hpp"
#include "ports/loop.hpp"
#include "ports/prober.hpp"
#include "ports/spawner.hpp"
#include "transfer/resolver.hpp"

#include <functional>
#include <memory>
#include <unordered_map>

namespace keel::transfer {
class HttpClient;
}

namespace keel::probes {

class Attempt;
class ExecProber;

class Prober final : public ports::Prober {
public:
    /// `take_spawn_id` is called for each exec probe, just before it is spawned. `lookup` asks for
    /// the addresses of a name and may block.
    Prober(ports::Loop& loop, ports::Spawner& spawner, std::function<SpawnId()> take_spawn_id,
           transfer::Resolver::Lookup lookup = transfer::system_lookup);
    ~Prober() override;
    Prober(const Prober&) = delete;
    Prober& operator=(const Prober&) = delete;

    void probe(const ports::ProbeRequest& request,
               std::function<void(const core::ProbeAnswer&)> answer) override;
    void cancel(ports::AttemptId attempt) override;

    // Ends of processes reach the prober through whoever owns the spawner's handlers.

    /// Whether the spawn is an exec probe's, and its ends are to be told here.
    [[nodiscard]] bool claims(SpawnId spawn) const;
    void on_exit(SpawnId spawn, core::ExitStatus status, core::TreeState tree);
    void on_tree_empty(SpawnId spawn);

    /// `handler` is called once, later: when no process of an exec probe lives any more, or after
    /// `at_most`. For an engine that ends and would leave them behind; cancel the attempts first.
    void when_idle(Duration at_most, std::function<void()> handler);

private:
    struct Pending {
        std::unique_ptr<Attempt> attempt;
        std::function<void(const core::ProbeAnswer&)> answer;
    };

    [[nodiscard]] std::unique_ptr<Attempt> make(const ports::ProbeRequest& request);
    void deliver(ports::AttemptId attempt, const core::ProbeAnswer& answer);

    ports::Loop& loop_;
    transfer::Resolver resolver_;
    std::unique_ptr<transfer::HttpClient> http_;
    std::unique_ptr<ExecProber> exec_;
    std::unordered_map<ports::AttemptId, Pending> pending_; ///< after what the attempts use
    std::shared_ptr<const bool> alive_;                     ///< deferred calls hold it weakly
};

} // namespace keel::probes
