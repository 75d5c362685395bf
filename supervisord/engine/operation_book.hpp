// Requests that were accepted: those under way, and the latest that are over.
//
// Promises: an asker that was cut off, by the end of an engine for example, learns the outcome by
// asking again under the same key, and nothing is done twice for it; an operation goes on over
// engine lives. Records are journaled: an outcome before the unit's own state, so that what a unit
// no longer works at has an outcome on record. Bounded: the oldest outcomes are forgotten.
// It refuses to know what an operation is.
#pragma once
#include "core/views.hpp"
#include "engine/state_codec.hpp"
#include "ports/state_journal.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace keel::engine {

class OperationBook {
public:
    /// Of `keel start --all` and its like, each is asked about after all others may be over.
    static constexpr std::size_t ended_max = 1000;
    using Done = std::function<void(const core::OperationResult&)>;

    explicit OperationBook(ports::StateJournal& journal) : journal_(journal) {}

    /// Takes over what the journal has.
    void recover();
    /// Forgets those that are under way by the record, and not by `is_under_way`: an engine ended
    /// between its yes and the first step, and who asks again is new to this one.
    void forget_unless(const std::function<bool(const core::OperationRecord&)>& is_under_way);

    /// What was accepted under that key; nullptr: nothing. No key: nothing.
    [[nodiscard]] const KeyedOperation* find_by_key(std::string_view key) const;
    [[nodiscard]] const core::OperationRecord* find(OperationId id) const;
    /// The latest first.
    [[nodiscard]] std::vector<core::OperationRecord> list() const;

    void add(KeyedOperation operation);
    /// `done` hears of the outcome; not at all if it is over already.
    void wait_for(OperationId id, Done done);
    /// Notes the outcome and hands out who waits for it.
    [[nodiscard]] std::vector<Done> end(const core::OperationResult& result, WallTime now);

private:
    struct Entry {
        KeyedOperation keyed;
        std::vector<Done> waiting;
    };
    void put(const Entry& entry);
    void prune();

    ports::StateJournal& journal_;
    std::map<OperationId, Entry> entries_;
};

} // namespace keel::engine
