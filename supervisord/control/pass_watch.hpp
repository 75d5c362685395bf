// What was opened with a session ends with it.
//
// A pass is asked for when a request comes, and a stream of events or of a log goes on for as long
// as its reader likes. So streams are noted here by the session that they were opened with, and are
// ended when it is over: at once if it is ended here, else as its time comes. The timer lives only
// while there are such streams.
#pragma once
#include "control/http.hpp"
#include "control/web_access.hpp"
#include "ports/loop.hpp"

#include <map>
#include <memory>
#include <string>

namespace keel::control {

class PassWatch {
public:
    /// Both outlive it.
    PassWatch(ports::Loop& loop, WebAccess& web) : loop_(loop), web_(web) {}

    /// Ends the stream of `exchange` with the session.
    void watch(const std::string& session, const std::shared_ptr<Exchange>& exchange);
    /// Some sessions may be over.
    void look();

    /// A wall clock may be set, so it is looked at that often at least.
    static constexpr Duration look_pause = std::chrono::seconds(15);

private:
    /// By when it is to look; a look that is to come before stays as it is.
    void arm();

    ports::Loop& loop_;
    WebAccess& web_;
    std::multimap<std::string, std::weak_ptr<Exchange>> streams_; ///< by session
    ports::Loop::Registration timer_;
    MonoTime due_; ///< of the timer
};

} // namespace keel::control
