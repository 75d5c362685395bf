#include "sys/log_tail.hpp"

#include "base/owned_fd.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace keel::sys {
namespace {

/// What 50 lines of usual length take, and those of the longest that are shown.
constexpr std::size_t words_read_max = std::size_t{64} << 10;

} // namespace

void TailCollector::take(int file, std::uint64_t size)
{
    std::string bytes;
    while (size > 0 && !enough()) {
        const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(size, block));
        size -= length;
        bytes.resize(length);
        const ssize_t got = ::pread(file, bytes.data(), length, static_cast<off_t>(size));
        if (got != static_cast<ssize_t>(length)) return; // truncated meanwhile
        take(bytes);
    }
}

/// Only the end of what is in it can matter.
void TailCollector::take(PackedReader packed)
{
    std::string end;
    std::string bytes(block, '\0');
    while (const std::size_t got = packed.read(bytes)) {
        end.append(bytes, 0, got);
        if (end.size() > 2 * bytes_max_) end.erase(0, end.size() - bytes_max_);
    }
    if (end.size() > bytes_max_ - taken_) end.erase(0, end.size() - (bytes_max_ - taken_));
    if (!end.empty()) take(end);
}

bool TailCollector::take(const LogNames& names, std::uint64_t sequence)
{
    if (take_plain(names.rotated(sequence))) return true;
    auto packed = PackedReader::open(names.packed(sequence));
    if (packed) take(std::move(*packed));
    return packed.has_value();
}

bool TailCollector::take_plain(const std::filesystem::path& path)
{
    const OwnedFd plain(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat seen {};
    if (!plain || ::fstat(plain.get(), &seen) != 0) return false;
    take(plain.get(), static_cast<std::uint64_t>(seen.st_size));
    return true;
}

/// Looks for the line end before the first wanted line. The one at the very end closes a line and
/// is not before any.
void TailCollector::take(std::string_view bytes)
{
    std::size_t from = bytes.size();
    if (taken_ == 0 && bytes.back() == '\n') --from;
    while (from > 0) {
        const std::size_t end = bytes.rfind('\n', from - 1);
        if (end == std::string_view::npos) break;
        if (++ends_ == lines_) {
            found_ = true;
            bytes.remove_prefix(end + 1);
            break;
        }
        from = end;
    }
    taken_ += bytes.size();
    blocks_.emplace_back(bytes);
}

std::string TailCollector::text() &&
{
    std::string all;
    all.reserve(taken_);
    std::for_each(blocks_.rbegin(), blocks_.rend(), [&](const std::string& b) { all += b; });
    // What was cut by size begins in the middle of a line, unless that line is all there is.
    if (!found_ && taken_ >= bytes_max_)
        if (const std::size_t end = all.find('\n'); end + 1 < all.size()) all.erase(0, end + 1);
    return all;
}

std::vector<std::string> last_words_in(std::string_view text)
{
    std::vector<std::string> lines; // the last one first
    std::size_t bytes = 0;
    if (text.ends_with('\n'))
        text.remove_suffix(1);
    else if (text.empty())
        return lines;
    for (bool more = true; more && lines.size() < core::last_words_max;) {
        const std::size_t end = text.rfind('\n');
        more = end != std::string_view::npos;
        std::string line = printable(text.substr(more ? end + 1 : 0), core::last_words_line);
        bytes += line.size();
        if (bytes > core::last_words_bytes) break;
        lines.push_back(std::move(line));
        if (more) text.remove_suffix(text.size() - end);
    }
    std::ranges::reverse(lines);
    return lines;
}

std::vector<std::string> last_words_of(const LogNames& names)
{
    TailCollector collector(core::last_words_max, words_read_max);
    collector.take_plain(names.current());
    if (!collector.enough())
        if (const auto rotated = names.list_rotated(); !rotated.empty())
            collector.take_plain(names.rotated(rotated.back()));
    return last_words_in(std::move(collector).text());
}

} // namespace keel::sys
