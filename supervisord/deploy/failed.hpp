// A failure on the way to a release, thrown from wherever it is met to the verb that cleans up.
//
// Private to this folder: each failure ends the program's one job, so an exception says it shorter
// than a Result at every call. It says whose fault it is in words for people.
#pragma once
#include "deploy/release_report.hpp"

#include <exception>
#include <string>

namespace keel::deploy {

class Failed final : public std::exception {
public:
    Failed(Fault fault, std::string text, int errno_value = 0)
        : fault_(fault), errno_(errno_value), text_(std::move(text))
    {}
    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
    [[nodiscard]] Fault fault() const { return fault_; }
    [[nodiscard]] int errno_value() const { return errno_; }
    /// The disk, or somebody's share of it, is full.
    [[nodiscard]] bool is_full() const { return errno_ == ENOSPC || errno_ == EDQUOT; }

private:
    Fault fault_;
    int errno_;
    std::string text_;
};

/// Throws what errno says, as a fault of the host: `write archives/1.2: No space left on device`.
[[noreturn]] void fail_by_errno(const std::string& what, const std::string& subject = {});

/// One sentence to standard error, which is the deployment's log.
void say(const std::string& sentence);

} // namespace keel::deploy
