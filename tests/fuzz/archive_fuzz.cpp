// Any bytes as an archive: whatever it holds, it is refused, or all of it stays inside.
#include "base/ensure.hpp"
#include "deploy/archive_reader.hpp"
#include "deploy/failed.hpp"

#include <algorithm>
#include <set>

using namespace keel;
using namespace keel::deploy;

namespace {

/// Unpacks into memory, and knows what an unpacker on a disk would run into.
class Witness final : public EntrySink {
public:
    void directory(const Entry&, const Place& place) override
    {
        enter(place);
        directories_.insert(place.path);
    }
    void symbolic_link(const Entry& entry, const Place& place) override
    {
        enter(place);
        put(place);
        ENSURE(!entry.target.empty() && entry.target.front() != '/', "links are relative");
        std::ptrdiff_t level = std::count(place.path.begin(), place.path.end(), '/');
        for (std::string_view rest = entry.target; !rest.empty();) {
            const std::size_t end = std::min(rest.find('/'), rest.size());
            if (rest.substr(0, end) == "..") --level;
            ENSURE(level >= 0, "links stay inside");
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    void hard_link(const Entry&, const Place& place) override
    {
        enter(place);
        put(place);
        ENSURE(files_.contains(place.target), "hard links are to files");
        files_.insert(place.path);
    }
    void begin_file(const Entry& entry, const Place& place) override
    {
        enter(place);
        put(place);
        files_.insert(place.path);
        size_ = entry.size;
        ENSURE((entry.mode & 06000) == 0, "files lend nobody's rights");
    }
    void file_bytes(std::span<const char> bytes, std::uint64_t offset) override
    {
        ENSURE(offset <= size_ && bytes.size() <= size_ - offset, "files are as long as they say");
    }
    void end_file() override {}

private:
    void enter(const Place& place)
    {
        ENSURE(is_plain(place.path), "names are plain");
        ENSURE(("/" + place.path + "/").find("/../") == std::string::npos, "names do not go up");
        ENSURE(!place.path.starts_with('/'), "names are relative");
        directories_.insert(place.missing.begin(), place.missing.end());
        const std::size_t slash = place.path.rfind('/');
        ENSURE(slash == std::string::npos || directories_.contains(place.path.substr(0, slash)),
               "what it is in is a directory");
    }
    void put(const Place& place)
    {
        ENSURE(!place.path.empty() && !directories_.contains(place.path), "it has a place");
        ENSURE(others_.insert(place.path).second, "names come once");
    }

    std::set<std::string> directories_;
    std::set<std::string> others_;
    std::set<std::string> files_;
    std::uint64_t size_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::span<const char> all(reinterpret_cast<const char*>(data), size);
    // In pieces, so that headers come in parts.
    NextBytes next = [all]() mutable {
        const auto piece = all.first(std::min<std::size_t>(all.size(), 700));
        all = all.subspan(piece.size());
        return piece;
    };
    Limits limits;
    limits.ratio_begins = 1U << 20;
    limits.unpacked_bytes = 8U << 20;
    Witness witness;
    try {
        (void)read_archive(std::move(next), size, limits, witness, [](const ArchiveTotals&) {});
    } catch (const Failed& failed) {
        ENSURE(failed.fault() == Fault::release, "nothing but the archive is at fault");
    }
    return 0;
}
