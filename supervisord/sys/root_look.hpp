// What a root of releases holds, as far as its disk tells it in time.
//
// Promises: whoever asks waits `patience` at most, all roots taken together, and next to nothing
// once that is spent: a file server that is gone must not keep an engine from its work. A root that
// has not answered is not asked again until it has, so that no more than one thread hangs at each.
// What is read of one root is bounded. It refuses to know what becomes of a unit without an answer.
#pragma once
#include "ports/release_store.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace keel::sys {

/// Blocks for as long as the disk does.
ports::ReleaseStore::Found look_at_root(const std::string& root);

class RootLook {
public:
    using Found = ports::ReleaseStore::Found;
    using Look = std::function<Found(const std::string& root)>;
    static constexpr std::chrono::milliseconds patience_usual{1000};
    /// What any root is waited for. An answer within that costs nothing of the patience.
    static constexpr std::chrono::milliseconds patience_least{10};

    explicit RootLook(std::chrono::milliseconds patience = patience_usual,
                      Look look = look_at_root);

    /// None: there is no answer so far.
    std::optional<Found> at(const std::string& root);

private:
    struct Asked; ///< shared with the threads, which may outlive this
    std::shared_ptr<Asked> asked_;
    Look look_;
    std::chrono::nanoseconds left_;
};

} // namespace keel::sys
