// Names of users for the record: `root (uid 0)`. The name service may be slow or hang, so it is
// asked on another thread and its answers are kept.
#pragma once
#include "ports/loop.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <sys/types.h>

namespace keel::control {

class UserNames {
public:
    explicit UserNames(ports::Loop& loop) : loop_(loop) {}

    /// Calls `then` with `NAME (uid N)`, or `uid N` for one without a name: at once if it is known.
    void with_name(uid_t uid, std::function<void(const std::string&)> then);

private:
    ports::Loop& loop_;
    /// Shared with answers under way, which may outlive this object.
    std::shared_ptr<std::map<uid_t, std::string>> known_ =
        std::make_shared<std::map<uid_t, std::string>>();
};

} // namespace keel::control
