// ports::Ledger in memory. It promises what the real one does: what was written outlives the
// engine, the latest word on each record; what waits to be written ends with it.
#pragma once
#include "ports/ledger.hpp"
#include "tests/sim/fake_loop.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace keel::sim {

class FakeLedger final : public ports::Ledger {
public:
    FakeLedger(FakeLoop& loop, Fuse& fuse) : loop_(loop), fuse_(fuse) {}

    std::map<OutageId, core::Outage> records;  ///< written
    std::map<OutageId, core::LastWords> words; ///< of those that have some
    std::vector<OutageId> open;                ///< as the latest engine found them
    std::map<SpawnId, core::SpawnRecord> spawns;
    std::map<OperationId, core::OperationRecord> operations;
    std::set<std::string> wanted; ///< up, now
    core::PastOfAll past;         ///< what whoever asks is told
    ports::LedgerStanding standing_told;
    std::string missing; ///< what whoever asks is told

    void set_handlers(Handlers handlers) override { handlers_ = std::move(handlers); }
    void keep(const core::Outage& outage, core::LastWords last_words) override
    {
        fuse_.burn();
        if (last_words) words.emplace(outage.id, std::move(last_words));
        if (waiting_.empty())
            loop_.in(batch_span, [this, life = life_] {
                if (life == life_) write();
            });
        waiting_.insert_or_assign(outage.id, outage);
        fuse_.burn();
    }
    void keep(const core::SpawnRecord& spawn) override { spawns.insert_or_assign(spawn.id, spawn); }
    void keep(const core::OperationRecord& operation) override
    {
        operations.insert_or_assign(operation.id, operation);
    }
    std::vector<core::DeploymentRecord> deployments;
    void keep(const std::string&, const core::DeploymentRecord& deployment) override
    {
        deployments.push_back(deployment);
    }
    void keep(const ports::WantedChange& change) override
    {
        if (change.wanted == ports::WantedChange::Wanted::yes)
            wanted.insert(change.unit);
        else
            wanted.erase(change.unit);
    }
    ports::Beginning beginning; ///< as the latest engine told of it
    void go_on_with(ports::Beginning told) override
    {
        beginning = std::move(told);
        open = beginning.open;
        wanted = {beginning.wanted.begin(), beginning.wanted.end()};
        write();
        for (auto& [id, record] : records) {
            if (record.closed || std::ranges::count(open, id) != 0) continue;
            record.closed = record.opened;
            record.end = core::Outage::End::unseen;
        }
    }
    void find(const ports::OutageQuery& query,
              std::function<void(ports::OutageHistory)> done) override
    {
        write();
        ports::OutageHistory history{{}, missing};
        for (auto each = records.rbegin(); each != records.rend(); ++each) {
            const auto& closed = each->second.closed;
            if (query.since && closed && closed->wall < *query.since) continue;
            if (history.outages.size() < query.limit)
                history.outages.push_back(core::make_view(each->second, loop_.now()));
        }
        loop_.defer([done = std::move(done), history = std::move(history)] { done(history); });
    }
    void find_past(WallTime, std::function<void(core::PastOfAll)> done) override
    {
        loop_.defer([done = std::move(done), past = past] { done(past); });
    }
    void find_incident(OutageId id, std::function<void(core::Incident)> done) override
    {
        write();
        core::Incident incident;
        if (const auto found = records.find(id); found != records.end())
            incident.outage = core::make_view(found->second, loop_.now());
        incident.missing = missing;
        loop_.defer([done = std::move(done), incident = std::move(incident)] { done(incident); });
    }
    [[nodiscard]] ports::LedgerStanding standing() const override { return standing_told; }

    // ---- the world's side
    static constexpr Duration batch_span = std::chrono::milliseconds(50);
    /// The latest word on a record, written or not; none: nobody has told of it.
    [[nodiscard]] const core::Outage* latest(OutageId id) const
    {
        for (const auto* where : {&waiting_, &records})
            if (const auto found = where->find(id); found != where->end()) return &found->second;
        return nullptr;
    }
    void engine_died()
    {
        ++life_;
        waiting_.clear();
    }
    /// The file is set aside: there is an empty one.
    void begin_anew()
    {
        records.clear();
        words.clear();
        waiting_.clear();
        if (handlers_.on_begun_anew) handlers_.on_begun_anew();
    }

private:
    void write()
    {
        for (const auto& [id, outage] : std::exchange(waiting_, {}))
            records.insert_or_assign(id, outage);
    }

    FakeLoop& loop_;
    Fuse& fuse_;
    Handlers handlers_;
    std::uint64_t life_ = 0; ///< of the engine
    std::map<OutageId, core::Outage> waiting_;
};

} // namespace keel::sim
