#include "deploy/archive_reader.hpp"

#include "base/text.hpp"
#include "deploy/failed.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

namespace keel::deploy {
namespace {

/// Two blocks of zeros end a tar archive.
constexpr std::uint64_t end_bytes = 1024;

EntryKind kind_of(archive_entry* header)
{
    if (archive_entry_hardlink(header) != nullptr) return EntryKind::hard_link;
    switch (archive_entry_filetype(header)) {
    case AE_IFREG: return EntryKind::file;
    case AE_IFDIR: return EntryKind::directory;
    case AE_IFLNK: return EntryKind::symbolic_link;
    case AE_IFCHR: return EntryKind::character_device;
    case AE_IFBLK: return EntryKind::block_device;
    case AE_IFIFO: return EntryKind::fifo;
    case AE_IFSOCK: return EntryKind::socket;
    default: return EntryKind::other;
    }
}

Entry to_entry(archive_entry* header)
{
    const auto text = [](const char* one) { return std::string(one != nullptr ? one : ""); };
    Entry entry;
    entry.path = text(archive_entry_pathname(header));
    entry.kind = kind_of(header);
    if (entry.kind == EntryKind::hard_link) entry.target = text(archive_entry_hardlink(header));
    if (entry.kind == EntryKind::symbolic_link) entry.target = text(archive_entry_symlink(header));
    const auto size = archive_entry_size(header);
    entry.size = size > 0 ? static_cast<std::uint64_t>(size) : 0;
    entry.mode = archive_entry_perm(header);
    entry.modified = archive_entry_mtime(header);
    return entry;
}

class TarReader {
public:
    TarReader(NextBytes next, std::uint64_t size, const Limits& limits, EntrySink& sink,
              const Progress& progress)
        : limits_(limits), size_(size), stream_(std::move(next), size, limits),
          feed_([this] { return stream_.next(); }), reader_(archive_read_new()), policy_(limits),
          sink_(sink), progress_(progress)
    {
        if (!reader_) throw std::bad_alloc();
        archive_read_support_format_tar(reader_.get());
    }

    ArchiveTotals read()
    {
        feed_.open(reader_.get());
        for (archive_entry* header = nullptr; next(header);)
            take(header);
        check_end();
        policy_.finish();
        return totals_;
    }

private:
    /// A warning is a refusal: libarchive would go on with something that it has not understood.
    void check(int answer)
    {
        if (answer == ARCHIVE_OK) return;
        feed_.rethrow();
        refuse_archive(reader_.get());
    }

    bool next(archive_entry*& header)
    {
        const int answer = archive_read_next_header(reader_.get(), &header);
        if (answer == ARCHIVE_EOF) {
            feed_.rethrow();
            return false;
        }
        check(answer);
        return true;
    }

    void take(archive_entry* header)
    {
        const Entry entry = to_entry(header);
        const Place place = policy_.take(entry);
        // What a header promises is judged before it is fulfilled.
        if (policy_.bytes() > limits_.ratio_begins && policy_.bytes() / limits_.ratio > size_)
            throw Failed(Fault::release,
                         fmt::format("the archive is refused: {}: with it there is more than {} "
                                     "times the archive's size to unpack",
                                     printable(entry.path, 200), limits_.ratio));
        totals_.entries = policy_.entries();
        switch (entry.kind) {
        case EntryKind::directory: sink_.directory(entry, place); break;
        case EntryKind::symbolic_link: sink_.symbolic_link(entry, place); break;
        case EntryKind::hard_link: sink_.hard_link(entry, place); break;
        case EntryKind::file:
            sink_.begin_file(entry, place);
            take_bytes(entry);
            sink_.end_file();
            break;
        case EntryKind::character_device:
        case EntryKind::block_device:
        case EntryKind::fifo:
        case EntryKind::socket:
        case EntryKind::other: break; // The policy has refused them.
        }
        progress_(totals_);
    }

    void take_bytes(const Entry& entry)
    {
        for (;;) {
            const void* block = nullptr;
            std::size_t size = 0;
            la_int64_t offset = 0;
            const int answer = archive_read_data_block(reader_.get(), &block, &size, &offset);
            if (answer == ARCHIVE_EOF) break;
            check(answer);
            const auto at = static_cast<std::uint64_t>(offset);
            // Neither a piece of a sparse file nor anything else reaches beyond what was promised.
            if (offset < 0 || at > entry.size || size > entry.size - at)
                throw Failed(Fault::release,
                             fmt::format("the archive is refused: {}: is longer than it says",
                                         printable(entry.path, 200)));
            sink_.file_bytes({static_cast<const char*>(block), size}, at);
            totals_.bytes += size;
            progress_(totals_);
        }
        feed_.rethrow();
    }

    /// libarchive is content with an archive that ends between two entries, and with whatever
    /// follows its end.
    void check_end()
    {
        const auto end = static_cast<std::uint64_t>(archive_read_header_position(reader_.get()));
        while (!stream_.next().empty())
            ;
        if (stream_.bytes() < end + end_bytes)
            throw Failed(Fault::release, "the archive is refused: its end is missing");
        if (stream_.bytes() - stream_.zeros() > end)
            throw Failed(Fault::release, "the archive is refused: something follows its end");
    }

    Limits limits_;
    std::uint64_t size_;
    ArchiveStream stream_;
    Feed feed_;
    Reader reader_;
    EntryPolicy policy_;
    EntrySink& sink_;
    const Progress& progress_;
    ArchiveTotals totals_;
};

} // namespace

ArchiveTotals read_archive(NextBytes next, std::uint64_t size, const Limits& limits,
                           EntrySink& sink, const Progress& progress)
{
    return TarReader(std::move(next), size, limits, sink, progress).read();
}

} // namespace keel::deploy
