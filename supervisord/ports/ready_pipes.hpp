// Being shown readiness as s6 has it: a process writes a newline to a descriptor that it was born
// with. One pipe per spawn.
//
// A pipe is there from before its process runs until close(), also while no engine runs: what was
// written meanwhile is told by the next one. A newline is taken out only when the handler has
// returned, so that an engine that dies over it does not take it along. What follows it is read and
// not heeded, so that nobody who writes on is held up, or ended by SIGPIPE.
#pragma once
#include "base/ids.hpp"
#include "base/result.hpp"

#include <functional>
#include <vector>

namespace keel::ports {

class ReadyPipes {
public:
    virtual ~ReadyPipes() = default;

    struct Handlers {
        /// Also of a spawn of which an engine before this one was told.
        std::function<void(SpawnId)> on_newline;
        /// Nobody can write to it any more, and there was no newline.
        std::function<void(SpawnId)> on_shut;
    };
    /// Called once, before anything is opened or taken over.
    virtual void set_handlers(Handlers handlers) = 0;

    /// Before the spawn; the answer is the end to write to, which stays the pipe's own.
    [[nodiscard]] virtual Result<int> open(SpawnId id) = 0;
    /// The process has its own copy of that end by now: when it shuts it, that is to be seen.
    virtual void begun(SpawnId id) = 0;

    /// At an engine's start: these were opened by an engine before it and their processes live. All
    /// others are closed.
    virtual void take_over(const std::vector<SpawnId>& living) = 0;

    /// Tells now, from within this call, what was written and not told yet. Unknown ids are
    /// ignored.
    virtual void hear(SpawnId id) = 0;

    /// Tells what is left as hear() does, and closes. Unknown ids are ignored.
    virtual void close(SpawnId id) = 0;
};

} // namespace keel::ports
