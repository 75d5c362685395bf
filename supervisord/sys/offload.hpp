// Threads for work that may block: regular files on a bad disk, a name service, a big pattern.
//
// Promises: at most `limit` pieces run at once, in the order in which they were handed in; `done`
// is called on the loop's thread; threads are started on demand and end after a while without
// work, so that an idle daemon has none; a piece that never returns blocks one thread and nothing
// else. A piece may outlive this object, so it must own whatever it touches.
// It refuses to know what the work is. libuv's own thread pool is not used: it is shared by the
// whole process, and one hung name lookup in it would stop every other user.
#pragma once
#include "ports/loop.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

namespace keel::sys {

class Offload {
public:
    /// Throws std::system_error if not even one descriptor can be had.
    Offload(ports::Loop& loop, unsigned limit);
    /// Work under way goes on, work that waits is dropped; every `done` is dropped here and now.
    ~Offload();
    Offload(const Offload&) = delete;
    Offload& operator=(const Offload&) = delete;

    void run(std::function<void()> work, std::function<void()> done);

    /// Threads that exist at this moment, busy or not.
    [[nodiscard]] unsigned threads() const;

private:
    struct Shared;

    void grow();
    void take_finished();

    ports::Loop& loop_;
    const unsigned limit_;
    std::shared_ptr<Shared> shared_;
    /// Kept on the loop's side, so that what `done` holds is never destroyed by another thread.
    std::unordered_map<std::uint64_t, std::function<void()>> done_;
    std::uint64_t next_ = 0;
    ports::Loop::Registration wake_;
    ports::Loop::Registration retry_;
};

} // namespace keel::sys
