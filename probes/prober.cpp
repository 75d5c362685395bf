#include "probes/prober.hpp"

#include "base/ensure.hpp"
#include "probes/exec_attempt.hpp"
#include "probes/http_attempt.hpp"
#include "probes/tcp_attempt.hpp"

namespace keel::probes {

Prober::Prober(ports::Loop& loop, ports::Spawner& spawner, std::function<SpawnId()> take_spawn_id,
               transfer::Resolver::Lookup lookup)
    : loop_(loop), resolver_(loop, std::move(lookup)),
      http_(std::make_unique<transfer::HttpClient>(loop, resolver_)),
      exec_(std::make_unique<ExecProber>(loop, spawner, std::move(take_spawn_id))),
      alive_(std::make_shared<bool>(true))
{}

Prober::~Prober() = default;

void Prober::probe(const ports::ProbeRequest& request,
                   std::function<void(const core::ProbeAnswer&)> answer)
{
    const auto [entry, is_new] = pending_.try_emplace(request.attempt);
    ENSURE(is_new, "an attempt's number is never used twice");
    entry->second = {make(request), std::move(answer)};
    entry->second.attempt->start();
}

void Prober::cancel(ports::AttemptId attempt) { pending_.erase(attempt); }

std::unique_ptr<Attempt> Prober::make(const ports::ProbeRequest& request)
{
    // An attempt finishes in the middle of its own work, or of probe(). It is told on later, when
    // it can be destroyed and whoever hears of it may probe and cancel as they like.
    Attempt::Finished finished = [this, attempt = request.attempt](core::ProbeAnswer answer) {
        loop_.defer([this, attempt, answer = std::move(answer), alive = std::weak_ptr(alive_)] {
            if (!alive.expired()) deliver(attempt, answer);
        });
    };
    if (const auto* http = std::get_if<units::HttpTarget>(&request.target))
        return std::make_unique<HttpAttempt>(loop_, *http_, *http, request.timeout,
                                             std::move(finished));
    if (const auto* tcp = std::get_if<units::TcpTarget>(&request.target))
        return std::make_unique<TcpAttempt>(loop_, resolver_, *tcp, request.timeout,
                                            std::move(finished));
    ports::SpawnPlan plan = request.plan;
    plan.argv = std::get<units::ExecTarget>(request.target).command;
    return exec_->make(std::move(plan), request.timeout, std::move(finished));
}

void Prober::deliver(ports::AttemptId attempt, const core::ProbeAnswer& answer)
{
    const auto pending = pending_.extract(attempt);
    if (!pending.empty()) pending.mapped().answer(answer);
}

bool Prober::claims(SpawnId spawn) const { return exec_->claims(spawn); }

void Prober::on_exit(SpawnId spawn, core::ExitStatus status, core::TreeState)
{
    exec_->on_exit(spawn, status);
}

void Prober::on_tree_empty(SpawnId spawn) { exec_->on_tree_empty(spawn); }

void Prober::when_idle(Duration at_most, std::function<void()> handler)
{
    exec_->when_idle(at_most, std::move(handler));
}

} // namespace keel::probes
