// Events for clients: one subscription to the engine, any number of SSE streams fed from it.
//
// A stream has no queue of its own: it remembers the last id that it gave out and takes what comes
// after it when its client has room. So a slow client costs no memory; if it takes nothing for too
// long, it is cut off, and may go on where it was. Whoever asks for what the engine's ring of
// events has left behind, or for what came before this engine (ids leap then) or this boot, is told
// between which ids events may be missing. Every 15 s a comment is sent, by which both ends notice
// that the other is gone, with the id to go on from: it moves even if no event concerns the client.
// An event that is not kept goes to whoever is connected, under the id of the last kept one that
// the client has; of a unit's, a slow client gets the latest only.
#pragma once
#include "control/http.hpp"
#include "ports/loop.hpp"
#include "ports/supervisor.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>

namespace keel::control {

/// One event as SSE has it: `id: 17`, `event: state`, `data: {…}`, an empty line.
std::string to_sse(const core::EventView&);

class EventHub {
public:
    EventHub(ports::Loop& loop, ports::Supervisor& supervisor);
    EventHub(const EventHub&) = delete;
    EventHub& operator=(const EventHub&) = delete;

    /// The id of the latest event there is; 0: none yet.
    [[nodiscard]] std::uint64_t latest() const { return latest_; }

    /// Answers with the events after `after`, of `unit` if it is not empty, without an end. Streams
    /// must have ended before the hub does.
    void open(const std::shared_ptr<Exchange>& exchange, std::uint64_t after, std::string unit);

private:
    class Stream;
    void tell(const core::EventView& event);
    void keep_alive();
    void arm();

    ports::Loop& loop_;
    ports::Supervisor& supervisor_;
    std::unordered_set<Stream*> streams_;
    std::uint64_t latest_ = 0;
    ports::Loop::Registration timer_;
    std::unique_ptr<ports::Supervisor::Subscription> subscription_;
};

} // namespace keel::control
