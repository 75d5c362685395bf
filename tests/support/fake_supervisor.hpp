// A scripted ports::Supervisor and ports::LogReader: they are told what to say and record what they
// were asked. For tests of the control API, the client and the metrics, without an engine.
//
// As their models they live on the loop's thread, but for FakeLogs::tail().
#pragma once
#include "ports/configurer.hpp"
#include "ports/log_reader.hpp"
#include "ports/supervisor.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace keel::test {

/// 2025-01-31T09:15:02.482Z
inline WallTime morning(Duration later = Duration{0})
{
    return WallTime(std::chrono::milliseconds(1738314902482)) + later;
}

/// A unit that is up, all of its instances ready since the morning.
inline core::UnitView unit_up(const std::string& name, std::uint16_t instances = 1)
{
    core::UnitView unit;
    unit.name = name;
    unit.description = "The " + name;
    unit.wanted = core::wanted_name(core::Up{});
    unit.status = core::UnitStatus::up;
    unit.ready = unit.wanted_instances = instances;
    unit.rung = keel::name(units::Rung::restart);
    for (Slot slot = 1; slot <= instances; ++slot) {
        core::InstanceView instance;
        instance.name = instances == 1 ? name : name + "." + std::to_string(slot);
        instance.slot = slot;
        instance.state = "ready";
        instance.reason = "probe tcp: connected in 1 ms";
        instance.pid = 1000 + slot;
        instance.spawn = SpawnId{slot};
        instance.since = morning();
        unit.instances.push_back(std::move(instance));
    }
    return unit;
}

class FakeSupervisor final : public ports::Supervisor {
public:
    // ---- what it says
    void put(core::UnitView unit)
    {
        unit.since = core::since_of(unit);
        units_[unit.name] = std::move(unit);
    }
    core::UnitView& at(const std::string& name) { return units_.at(name); }
    std::map<std::string, core::WhyView> stories;
    std::vector<core::OutageView> outage_list;
    core::HostCounters host_counters;
    std::map<std::string, core::UnitCounters, std::less<>> unit_counters;
    std::map<std::string, std::vector<std::string>, std::less<>> probes;
    std::size_t kept_events = 4096; ///< older ones are forgotten

    /// Something happens; subscribers are told.
    void tell(std::string unit, std::string kind, std::string text)
    {
        core::EventView event;
        event.id = ++last_event_;
        event.at = morning(std::chrono::seconds(last_event_));
        event.subject = unit;
        event.unit = std::move(unit);
        event.kind = std::move(kind);
        event.text = std::move(text);
        events_.push_back(event);
        if (events_.size() > kept_events) events_.erase(events_.begin());
        for (const auto& [id, handler] : std::map(handlers_))
            handler(event);
    }

    /// The same, and it is not kept.
    void tell_in_passing(const std::string& unit, std::string kind, std::string text)
    {
        const core::EventView event{0, morning(), unit, unit, std::move(kind), std::move(text)};
        for (const auto& [id, handler] : std::map(handlers_))
            handler(event);
    }

    /// Another engine: nothing of before is known, and ids leap.
    void begin_anew(std::uint64_t first_event)
    {
        events_.clear();
        last_event_ = first_event - 1;
        tell("", "keeld", "a new engine takes over");
    }

    // ---- what it was asked
    struct Asked {
        ports::RequestSpec spec;
        OperationId id{};
        Done done;
    };
    std::vector<Asked> requests;
    /// What the next requests get instead of being accepted; taken from the front.
    std::vector<ports::Refusal> refusals;
    /// Called with each accepted request: the place to finish it.
    std::function<void(const Asked&)> on_request;

    static void finish(const Asked& asked, core::OperationResult::Outcome outcome, std::string text)
    {
        asked.done({asked.id, asked.spec.verb, outcome, std::move(text)});
    }

    // ---- ports::Supervisor
    [[nodiscard]] std::vector<core::UnitView> units() const override
    {
        std::vector<core::UnitView> all;
        for (const auto& [name, unit] : units_)
            all.push_back(unit);
        return all;
    }
    [[nodiscard]] std::optional<core::UnitView> unit(std::string_view name) const override
    {
        const auto found = units_.find(name);
        if (found == units_.end()) return std::nullopt;
        return found->second;
    }
    [[nodiscard]] std::optional<core::WhyView> why(std::string_view name) const override
    {
        const auto view = unit(name);
        if (!view) return std::nullopt;
        const auto story = stories.find(std::string(name));
        if (story != stories.end()) return story->second;
        return core::WhyView{*view, events_of(name), {"all is well"}, {}};
    }
    std::vector<core::OperationRecord> operation_list;
    [[nodiscard]] std::vector<core::OperationRecord> operations() const override
    {
        return operation_list;
    }
    [[nodiscard]] std::optional<ports::Refusal> cancel(OperationId id,
                                                       const std::string& by) override
    {
        for (core::OperationRecord& record : operation_list)
            if (record.id == id && !record.outcome) {
                record.outcome = core::OperationResult::Outcome::cancelled;
                record.text = "cancelled by " + by;
                return std::nullopt;
            }
        return ports::Refusal{ports::Refusal::Kind::no_such_operation, "there is none", {}};
    }
    std::map<std::string, core::ReleasesView> releases_of;
    [[nodiscard]] std::optional<core::ReleasesView> releases(std::string_view name) const override
    {
        const auto found = releases_of.find(std::string(name));
        return found == releases_of.end() ? std::nullopt : std::optional(found->second);
    }
    core::DeployOutline outline; ///< of any deployment
    [[nodiscard]] std::variant<core::DeployOutline, ports::Refusal>
    plan_deployment(const ports::RequestSpec& what) const override
    {
        if (!unit(what.unit))
            return ports::Refusal{ports::Refusal::Kind::no_such_unit, "there is none", {}};
        return outline;
    }
    std::vector<core::TriedProbe> tried; ///< what any try finds
    [[nodiscard]] std::optional<ports::Refusal>
    try_probes(const std::string&, std::optional<Slot> slot, Tried done) override
    {
        auto found = tried;
        if (slot)
            std::erase_if(found, [&](const auto& each) {
                return !each.instance.ends_with("." + std::to_string(*slot));
            });
        done(found);
        return std::nullopt;
    }
    [[nodiscard]] std::vector<core::OutageView> outages() const override { return outage_list; }
    ports::LedgerStanding ledger_standing;
    std::string missing_history; ///< why there is not all of it
    bool answers_history = true; ///< or is on a disk that hangs
    mutable std::vector<ports::OutageQuery> history_asked;
    void find_outages(const ports::OutageQuery& query,
                      std::function<void(ports::OutageHistory)> done) const override
    {
        history_asked.push_back(query);
        if (answers_history) done({outage_list, missing_history});
    }
    core::PastOfAll past;
    enum class PastIs : std::uint8_t { told, slow } past_is = PastIs::told; ///< slow: never told
    mutable std::vector<WallTime> past_asked;
    void find_past(WallTime since, std::function<void(core::PastOfAll)> done) const override
    {
        past_asked.push_back(since);
        if (past_is == PastIs::told) done(past);
    }
    core::Incident incident; ///< whatever outage is asked for, if it is that one
    void find_incident(OutageId outage, std::function<void(core::Incident)> done) const override
    {
        const bool is_there = incident.outage && incident.outage->record.id == outage;
        done(is_there ? incident : core::Incident{});
    }
    [[nodiscard]] ports::LedgerStanding ledger() const override { return ledger_standing; }
    [[nodiscard]] const core::HostCounters& counters() const override { return host_counters; }
    mutable int written_down = 0;
    void write_down_counts() const override { ++written_down; }
    [[nodiscard]] const core::UnitCounters& counters_of(std::string_view unit) const override
    {
        static const core::UnitCounters none;
        const auto found = unit_counters.find(unit);
        return found == unit_counters.end() ? none : found->second;
    }
    [[nodiscard]] std::vector<std::string> probe_names(std::string_view unit) const override
    {
        const auto found = probes.find(unit);
        return found == probes.end() ? std::vector<std::string>{} : found->second;
    }
    std::variant<OperationId, ports::Refusal> request(const ports::RequestSpec& what,
                                                      Done done) override
    {
        if (!refusals.empty()) {
            auto refusal = refusals.front();
            refusals.erase(refusals.begin());
            return refusal;
        }
        requests.push_back({what, OperationId{requests.size() + 1}, std::move(done)});
        if (on_request) on_request(requests.back());
        return requests.back().id;
    }
    [[nodiscard]] std::vector<core::EventView> events_after(std::uint64_t after_id,
                                                            std::size_t limit) const override
    {
        std::vector<core::EventView> later;
        for (const auto& event : events_)
            if (event.id > after_id) later.push_back(event);
        later.resize(std::min(later.size(), limit));
        return later;
    }
    [[nodiscard]] std::unique_ptr<Subscription>
    subscribe(std::function<void(const core::EventView&)> handler) override
    {
        handlers_.emplace(++last_handler_, std::move(handler));
        return std::make_unique<Subscribed>(*this, last_handler_);
    }

private:
    class Subscribed final : public Subscription {
    public:
        Subscribed(FakeSupervisor& supervisor, std::uint64_t id) : supervisor_(supervisor), id_(id)
        {}
        ~Subscribed() override { supervisor_.handlers_.erase(id_); }

    private:
        FakeSupervisor& supervisor_;
        std::uint64_t id_;
    };

    [[nodiscard]] std::vector<core::EventView> events_of(std::string_view unit) const
    {
        std::vector<core::EventView> own;
        std::ranges::copy_if(events_, std::back_inserter(own),
                             [&](const auto& event) { return event.unit == unit; });
        return own;
    }

    std::map<std::string, core::UnitView, std::less<>> units_;
    std::vector<core::EventView> events_;
    std::uint64_t last_event_ = 0;
    std::map<std::uint64_t, std::function<void(const core::EventView&)>> handlers_;
    std::uint64_t last_handler_ = 0;
};

/// Logs in memory: one string per instance, and who follows it.
class FakeLogs final : public ports::LogReader {
public:
    using Key = std::pair<std::string, Slot>;

    /// An instance writes; followers are told. On the loop's thread.
    void write(const std::string& unit, Slot slot, const std::string& bytes)
    {
        {
            const std::lock_guard lock(mutex_);
            text_[{unit, slot}] += bytes;
        }
        for (const auto& [id, follower] : std::map(followers_))
            if (follower.key == Key(unit, slot)) follower.handler(bytes);
    }
    std::size_t followers() const { return followers_.size(); }
    /// What reads get instead of text.
    std::optional<Error> failure;

    [[nodiscard]] Result<ports::LogTail> tail(const std::string& unit, Slot slot, std::size_t lines,
                                              std::optional<WallTime>) const override
    {
        const std::lock_guard lock(mutex_);
        if (failure) return *failure;
        const auto found = text_.find({unit, slot});
        if (found == text_.end()) return ports::LogTail{};
        const std::string& all = found->second;
        std::size_t begin = all.size();
        for (std::size_t seen = 0; begin > 0; --begin)
            if (all[begin - 1] == '\n' && begin != all.size() && ++seen == lines) break;
        if (lines == 0) begin = all.size();
        return ports::LogTail{all.substr(begin), {0, all.size()}, begun};
    }
    /// When the one file was begun that there is of each instance.
    std::optional<WallTime> begun;

    [[nodiscard]] Result<std::unique_ptr<ports::LogWalk>> walk(const std::string& unit, Slot slot,
                                                               WallTime) const override
    {
        auto all = tail(unit, slot, ~std::size_t{0}, {});
        if (!all) return all.error();
        return std::unique_ptr<ports::LogWalk>(std::make_unique<WholeText>(std::move(*all)));
    }
    [[nodiscard]] Result<ports::Loop::Registration>
    follow(const std::string& unit, Slot slot, ports::LogPosition,
           std::function<void(std::string_view)> handler) override
    {
        followers_.emplace(++last_, Follower{{unit, slot}, std::move(handler)});
        return ports::Loop::Registration(std::make_unique<Following>(*this, last_));
    }

private:
    /// In pieces that cut times and lines.
    class WholeText final : public ports::LogWalk {
    public:
        explicit WholeText(ports::LogTail all) : all_(std::move(all)) {}
        Piece next() override
        {
            const std::size_t piece = all_.text.size() < 1000 ? 7 : 60'007;
            const std::size_t at = std::exchange(at_, std::min(at_ + piece, all_.text.size()));
            return {std::string_view(all_.text).substr(at, at_ - at),
                    at == 0 ? all_.begun : std::nullopt};
        }
        [[nodiscard]] ports::LogPosition position() const override { return all_.end; }

    private:
        ports::LogTail all_;
        std::size_t at_ = 0;
    };

    struct Follower {
        Key key;
        std::function<void(std::string_view)> handler;
    };
    class Following final : public ports::Loop::Handle {
    public:
        Following(FakeLogs& logs, std::uint64_t id) : logs_(logs), id_(id) {}
        ~Following() override { logs_.followers_.erase(id_); }

    private:
        FakeLogs& logs_;
        std::uint64_t id_;
    };

    mutable std::mutex mutex_;
    std::map<Key, std::string> text_;
    std::map<std::uint64_t, Follower> followers_;
    std::uint64_t last_ = 0;
};

/// Answers as it is told to, and remembers what it was asked.
class FakeConfigurer final : public ports::Configurer {
public:
    Answer answer = core::ApplyView{};
    std::vector<ports::ApplySpec> asked;

    void apply(const ports::ApplySpec& spec, std::function<void(const Answer&)> done) override
    {
        asked.push_back(spec);
        done(answer);
    }
    ChangedUnits changed;
    void look_for_changes(std::function<void(const ChangedUnits&)> done) override { done(changed); }
};

} // namespace keel::test
