// The run directory, and that one keeper at a time has it, with one engine at a time.
//
// Each has a lock of its own. The keeper's is taken by its first engine and handed over to the
// keeper to hold, so it is free when the keeper is gone and not before. The engine's is waited for
// by the first engine of the next keeper, since an engine may outlive its keeper for some seconds.
// Beside the locks stand keeld.pid and engine.pid, for people; the first of them also tells a crash
// from an orderly end.
#pragma once
#include "base/owned_fd.hpp"
#include "base/result.hpp"
#include "sys/keeper_client.hpp"

#include <filesystem>

namespace keel::sys {

class RunDir {
public:
    /// Makes the directory and takes it for our keeper and for us. Refuses, with the pid, if
    /// another keeper has it. May block for as long as an engine may take to follow its keeper.
    static Result<RunDir> claim(const std::filesystem::path& path, KeeperClient& keeper);

    /// An engine came before us and did not leave().
    [[nodiscard]] bool after_crash() const { return after_crash_; }

    /// This engine is its keeper's first.
    [[nodiscard]] bool keeper_is_new() const { return keeper_is_new_; }

    /// Three engines in a row ended before one was ready: what they have read may be to blame.
    [[nodiscard]] bool after_failed_starts() const { return starts_ > 3; }
    void note_ready();

    /// This engine and its keeper end, and mean to.
    void leave();

private:
    explicit RunDir(std::filesystem::path path) : path_(std::move(path)) {}
    Result<void> lock_for_keeper(KeeperClient& keeper);
    Result<void> lock_for_us();

    std::filesystem::path path_;
    OwnedFd lock_; ///< the engine's
    bool keeper_is_new_ = false;
    bool after_crash_ = false;
    int starts_ = 0; ///< of engines since one was ready, this one counted
};

} // namespace keel::sys
