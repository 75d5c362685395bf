// The remaining ports of the engine, faked: prober, log sink, state journal.
#pragma once
#include "ports/log_sink.hpp"
#include "ports/prober.hpp"
#include "ports/state_journal.hpp"
#include "tests/sim/fake_loop.hpp"

#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace keel::sim {

/// What is to become of one probe attempt.
struct ProbeFate {
    core::ProbeAnswer answer;
    Duration takes{0};
};

/// ports::Prober. The address of a probe's target is its name here (`unit:slot:probe`); the world
/// knows whose health it asks about. It watches over one promise: one attempt in flight per probe.
class FakeProber final : public ports::Prober {
public:
    using Ask = std::function<ProbeFate(const std::string& address, Duration timeout)>;

    using Told = std::function<void(const std::string& address, core::Verdict verdict)>;

    FakeProber(FakeLoop& loop, Fuse& fuse, Ask ask, Told told)
        : loop_(loop), fuse_(fuse), ask_(std::move(ask)), told_(std::move(told))
    {}

    void probe(const ports::ProbeRequest& request,
               std::function<void(const core::ProbeAnswer&)> answer) override
    {
        fuse_.burn();
        const std::string& address = std::get<units::TcpTarget>(request.target).address;
        if (!in_flight_.insert(address).second)
            violated("two attempts of probe " + address + " are in flight at once");
        attempts_[request.attempt] = address;
        const ProbeFate fate = ask_(address, request.timeout);
        loop_.in(fate.takes,
                 [this, life = life_, attempt = request.attempt, answer = std::move(answer), fate] {
                     // The next engine may give the same number to another attempt.
                     const auto its = life == life_ ? forget(attempt) : std::nullopt;
                     if (!its) return;
                     told_(*its, fate.answer.verdict);
                     answer(fate.answer);
                 });
        fuse_.burn();
    }
    void cancel(ports::AttemptId attempt) override
    {
        fuse_.burn();
        (void)forget(attempt);
        fuse_.burn();
    }
    void engine_died()
    {
        ++life_;
        attempts_.clear();
        in_flight_.clear();
    }

private:
    std::optional<std::string> forget(ports::AttemptId attempt)
    {
        const auto found = attempts_.find(attempt);
        if (found == attempts_.end()) return std::nullopt;
        std::string address = std::move(found->second);
        attempts_.erase(found);
        in_flight_.erase(address);
        return address;
    }

    FakeLoop& loop_;
    Fuse& fuse_;
    Ask ask_;
    Told told_;
    std::uint64_t life_ = 0; ///< of the engine; what was under way for an earlier one is dropped
    std::map<ports::AttemptId, std::string> attempts_;
    std::set<std::string> in_flight_;
};

/// ports::LogSink that keeps nothing and sometimes fails, which must not keep any unit down.
class FakeLogs final : public ports::LogSink {
public:
    FakeLogs(Rng& rng, Fuse& fuse) : rng_(rng), fuse_(fuse) {}
    double fails = 0;

    Result<int> output_of(const std::string& unit, Slot, const units::LogSpec&,
                          const std::optional<ports::Credentials>&) override
    {
        fuse_.burn();
        if (rng_.chance(fails)) return Error{"open log", unit, ENOSPC};
        return 7;
    }
    [[nodiscard]] std::uint64_t bytes(const std::string&) const override { return 0; }
    [[nodiscard]] std::uint64_t dropped_bytes(const std::string&) const override { return 0; }
    void forget(const std::string&, Slot) override {}
    void await_line(const std::string&, Slot, AwaitedLine, Awaits) override
    {
        violated("no unit of these worlds is ready by its output");
    }
    void when_drained(const std::string&, Slot, std::function<void()>) override
    {
        violated("no unit of these worlds is ready by its output");
    }
    /// Nothing is told where this is empty, as by a disk that hangs.
    std::function<void(const std::string& unit, Slot slot, std::function<void(core::LastWords)>)>
        asked_for_words;
    void last_words(const std::string& unit, Slot slot,
                    std::function<void(core::LastWords)> done) override
    {
        if (asked_for_words) asked_for_words(unit, slot, std::move(done));
    }

private:
    Rng& rng_;
    Fuse& fuse_;
};

/// ports::StateJournal in memory: a list of records, of which a dying engine may lose the end.
class FakeJournal final : public ports::StateJournal {
public:
    explicit FakeJournal(Fuse& fuse) : fuse_(fuse) {}

    [[nodiscard]] const std::map<std::string, std::string>& recovered() const override
    {
        return recovered_;
    }
    void put(std::string_view key, std::string_view record) override
    {
        append(std::string(key), std::string(record));
    }
    void erase(std::string_view key) override { append(std::string(key), std::nullopt); }

    // ---- the world's side
    [[nodiscard]] std::size_t tail_bytes() const
    {
        std::size_t bytes = 0;
        for (const Entry& entry : tail_)
            bytes += size_of(entry);
        return bytes;
    }
    /// The next engine opens it; `lost` bytes of its end are not there any more, and with them the
    /// record that they cut in two.
    void reopen(std::size_t lost)
    {
        while (lost > 0 && !tail_.empty()) {
            lost -= std::min(lost, size_of(tail_.back()));
            tail_.pop_back();
        }
        fold(tail_.size());
        recovered_ = base_;
    }
    void lose_everything()
    {
        base_.clear();
        tail_.clear();
        recovered_.clear();
    }

private:
    struct Entry {
        std::string key;
        std::optional<std::string> record;
    };
    static std::size_t size_of(const Entry& entry)
    {
        return 8 + entry.key.size() + entry.record.value_or("").size();
    }
    void append(std::string key, std::optional<std::string> record)
    {
        fuse_.burn();
        tail_.push_back({std::move(key), std::move(record)});
        constexpr std::size_t tail_max = 256;
        if (tail_.size() > tail_max) fold(tail_max / 2);
        fuse_.burn();
    }
    /// The oldest `count` entries become part of the base, which is not cut any more.
    void fold(std::size_t count)
    {
        for (std::size_t i = 0; i < count; ++i) {
            if (tail_[i].record)
                base_[tail_[i].key] = std::move(*tail_[i].record);
            else
                base_.erase(tail_[i].key);
        }
        tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(count));
    }

    Fuse& fuse_;
    std::map<std::string, std::string> base_;
    std::vector<Entry> tail_;
    std::map<std::string, std::string> recovered_;
};

} // namespace keel::sim
