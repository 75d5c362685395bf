#include "deploy/archive_stream.hpp"

#include "base/text.hpp"
#include "deploy/failed.hpp"

#include <algorithm>
#include <archive.h>
#include <fmt/format.h>

namespace keel::deploy {

void FreeReader::operator()(archive* reader) const { archive_read_free(reader); }

void refuse_archive(archive* reader)
{
    const char* text = archive_error_string(reader);
    throw Failed(Fault::release,
                 fmt::format("the archive is refused: {}",
                             printable(text != nullptr ? text : "it is damaged", 300)));
}

// ---- Feed --------------------------------------------------------------------------------------

void Feed::open(archive* reader)
{
    if (archive_read_open(reader, this, nullptr, read, nullptr) == ARCHIVE_OK) return;
    rethrow();
    refuse_archive(reader);
}

void Feed::rethrow() const
{
    if (thrown_) std::rethrow_exception(thrown_);
}

ssize_t Feed::read(archive* reader, void* self, const void** block)
{
    auto& own = *static_cast<Feed*>(self);
    try {
        const auto bytes = own.next_();
        *block = bytes.data();
        return static_cast<ssize_t>(bytes.size());
    } catch (...) {
        own.thrown_ = std::current_exception();
        archive_set_error(reader, EIO, "cannot be read");
        return ARCHIVE_FATAL;
    }
}

// ---- ArchiveStream -----------------------------------------------------------------------------

ArchiveStream::ArchiveStream(NextBytes next, std::uint64_t size, const Limits& limits)
    : limits_(limits), size_(size), feed_(std::move(next)), reader_(archive_read_new())
{
    if (!reader_) throw std::bad_alloc();
    // Never *_all: what is not named here cannot be reached. A filter that is not built in would
    // run a program, which libarchive tells by a warning.
    if (archive_read_support_format_raw(reader_.get()) != ARCHIVE_OK ||
        archive_read_support_filter_gzip(reader_.get()) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(reader_.get()) != ARCHIVE_OK)
        throw Failed(Fault::host, "this libarchive reads neither gzip nor zstd by itself");
}

void ArchiveStream::begin()
{
    begun_ = true;
    if (size_ == 0) throw Failed(Fault::release, "the archive is refused: it is empty");
    feed_.open(reader_.get());
    archive_entry* entry = nullptr;
    if (archive_read_next_header(reader_.get(), &entry) != ARCHIVE_OK) {
        feed_.rethrow();
        refuse_archive(reader_.get());
    }
    // The last one is the file itself.
    if (archive_filter_count(reader_.get()) > 2)
        throw Failed(Fault::release, "the archive is refused: it is compressed more than once");
}

std::span<const char> ArchiveStream::next()
{
    if (!begun_) begin();
    while (!ended_) {
        const void* block = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        const int answer = archive_read_data_block(reader_.get(), &block, &size, &offset);
        feed_.rethrow();
        if (answer == ARCHIVE_EOF) {
            check_end();
            ended_ = true;
        } else if (answer != ARCHIVE_OK) {
            refuse_archive(reader_.get());
        } else if (size > 0) {
            const std::span bytes(static_cast<const char*>(block), size);
            count(bytes);
            return bytes;
        }
    }
    return {};
}

std::uint64_t ArchiveStream::consumed() const
{
    return static_cast<std::uint64_t>(std::max<la_int64_t>(
        archive_filter_bytes(reader_.get(), archive_filter_count(reader_.get()) - 1), 0));
}

void ArchiveStream::count(std::span<const char> bytes)
{
    bytes_ += bytes.size();
    if (bytes_ > limits_.ratio_begins && bytes_ / limits_.ratio > size_)
        throw Failed(
            Fault::release,
            fmt::format("the archive is refused: it unpacks to more than {} times its size",
                        limits_.ratio));
    const auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](char c) { return c != 0; });
    const auto tail = static_cast<std::uint64_t>(last - bytes.rbegin());
    zeros_ = tail == bytes.size() ? zeros_ + tail : tail;
}

/// A filter takes what follows its last block for somebody else's, and says nothing.
void ArchiveStream::check_end() const
{
    if (consumed() < size_)
        throw Failed(Fault::release, "the archive is refused: something follows its end");
}

} // namespace keel::deploy
