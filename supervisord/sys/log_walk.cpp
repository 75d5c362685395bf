#include "sys/log_walk.hpp"

#include <algorithm>
#include <sys/stat.h>
#include <utility>

namespace keel::sys {

using ports::LogPosition;

namespace {

/// Files are dated by the clock of the last tick, and over a network by that of another host. So a
/// line may be a little younger than the file that it is in.
constexpr Duration slack = std::chrono::seconds(1);

std::optional<WallTime> last_written(int file)
{
    struct stat seen {};
    if (::fstat(file, &seen) != 0) return std::nullopt;
    return WallTime(std::chrono::seconds(seen.st_mtim.tv_sec) +
                    std::chrono::nanoseconds(seen.st_mtim.tv_nsec));
}

LogPosition end_of(const OpenLog& newest)
{
    struct stat seen {};
    if (!newest.file || ::fstat(newest.file.get(), &seen) != 0)
        return {newest.identity, LogFollower::at_end};
    return {newest.identity, static_cast<std::uint64_t>(seen.st_size)};
}

} // namespace

std::vector<DatedFile> files_since(const LogNames& names, const OpenLog& newest,
                                   std::optional<WallTime> since)
{
    std::vector<DatedFile> files;
    std::optional<WallTime> begun;
    for (const std::uint64_t sequence : newest.older) {
        const auto last = names.rotated_at(sequence);
        if (!last) continue; // deleted meanwhile
        if (!begun) begun = names.rotated_birth(sequence);
        if (!since || *last + slack >= *since)
            files.push_back({sequence, rotated_identity(names, sequence), begun});
        begun = last;
    }
    if (!newest.file) return files;
    if (!begun) begun = file_birth(newest.file.get());
    const auto last = last_written(newest.file.get());
    if (!since || !last || *last + slack >= *since) files.push_back({0, newest.identity, begun});
    return files;
}

LogWalk::LogWalk(LogNames names, WallTime since) : follower_(names, {})
{
    const auto newest = open_newest(names);
    if (!newest) {
        ended_ = true;
        return;
    }
    files_ = files_since(names, *newest, since);
    end_ = end_of(*newest);
    ended_ = files_.empty();
    position_ = ended_ ? end_ : LogPosition{files_.front().identity, 0};
    follower_ = LogFollower(std::move(names), position_);
}

LogWalk::Piece LogWalk::next()
{
    if (ended_) return {};
    const LogPosition before = position_;
    std::string_view bytes = follower_.read();
    position_ = follower_.position();
    const auto file = std::ranges::find(files_, position_.file, &DatedFile::identity);
    if (file == files_.end()) { // it was begun after the walk
        position_.offset -= std::min<std::uint64_t>(bytes.size(), position_.offset);
        bytes = {};
    } else if (position_.file == end_.file && position_.offset >= end_.offset) {
        const auto beyond = position_.offset - end_.offset;
        bytes.remove_suffix(std::min<std::size_t>(beyond, bytes.size()));
        position_ = end_;
        ended_ = true;
    }
    if (bytes.empty()) {
        ended_ = true;
        return {};
    }
    const bool begins_file = before.file != position_.file || before.offset == 0;
    return {bytes, begins_file ? file->begun : std::nullopt};
}

} // namespace keel::sys
