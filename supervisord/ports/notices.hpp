// Hearing what processes say of themselves by sd_notify(3): one socket per spawn.
//
// A socket is there from before its process runs until close(), also while no engine runs: what was
// said meanwhile is told to the next one. A notice is taken out of the socket only when the handler
// has returned, so that an engine that dies over it does not take it along: the next one is told
// again. Only what comes from the spawn's own processes is told.
#pragma once
#include "base/ids.hpp"
#include "base/result.hpp"
#include "core/notice.hpp"

#include <functional>
#include <string>
#include <vector>

namespace keel::ports {

class Notices {
public:
    virtual ~Notices() = default;

    struct Handlers {
        /// In the order in which it was said. `main` is set only if it names a living process of
        /// the spawn.
        std::function<void(SpawnId, const core::Notice&)> on_notice;
        /// A sentence for people: somebody was not heeded.
        std::function<void(SpawnId, const std::string& text)> on_trouble;
    };
    /// Called once, before anything is opened or taken over.
    virtual void set_handlers(Handlers handlers) = 0;

    /// Before the spawn; the answer is its NOTIFY_SOCKET.
    [[nodiscard]] virtual Result<std::string> open(SpawnId id) = 0;

    /// At an engine's start: these were opened by an engine before it and their processes live. All
    /// others are closed.
    virtual void take_over(const std::vector<SpawnId>& living) = 0;

    /// Tells now, from within this call, what was said and not told yet. Unknown ids are ignored.
    virtual void hear(SpawnId id) = 0;

    /// Tells what is left as hear() does, and closes. Unknown ids are ignored.
    virtual void close(SpawnId id) = 0;
};

} // namespace keel::ports
