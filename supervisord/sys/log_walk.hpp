// One way through what an instance wrote since a time, up to the moment at which the way began.
//
// Promises: memory for one piece, however much there is; what is written, rotated or packed while
// it goes on is neither missed nor given twice; it ends also if the instance writes faster than it
// is read. It judges files by when they were last written to, and no lines.
#pragma once
#include "ports/log_reader.hpp"
#include "sys/log_follower.hpp"
#include "sys/log_names.hpp"

#include <optional>
#include <vector>

namespace keel::sys {

/// One of an instance's files.
struct DatedFile {
    std::uint64_t sequence = 0; ///< 0: the one that has not been put aside
    std::uint64_t identity = 0;
    std::optional<WallTime> begun;
};

/// Those that were written to since then, oldest first. A file begins where the one before it ends;
/// where there is none, its birth tells.
[[nodiscard]] std::vector<DatedFile> files_since(const LogNames& names, const OpenLog& newest,
                                                 std::optional<WallTime> since);

class LogWalk final : public ports::LogWalk {
public:
    LogWalk(LogNames names, WallTime since);

    [[nodiscard]] Piece next() override;
    [[nodiscard]] ports::LogPosition position() const override { return position_; }

private:
    std::vector<DatedFile> files_;
    ports::LogPosition end_;
    LogFollower follower_;
    ports::LogPosition position_;
    bool ended_ = false;
};

} // namespace keel::sys
