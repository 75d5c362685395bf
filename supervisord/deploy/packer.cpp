#include "deploy/packer.hpp"

#include "base/text.hpp"
#include "deploy/entry_policy.hpp"
#include "deploy/failed.hpp"
#include "deploy/files.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <array>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>

namespace keel::deploy {
namespace {

struct FreeWriter {
    void operator()(archive* writer) const { archive_write_free(writer); }
};
struct FreeEntry {
    void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
EntryKind kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return EntryKind::file;
    case S_IFDIR: return EntryKind::directory;
    case S_IFLNK: return EntryKind::symbolic_link;
    case S_IFCHR: return EntryKind::character_device;
    case S_IFBLK: return EntryKind::block_device;
    case S_IFIFO: return EntryKind::fifo;
    case S_IFSOCK: return EntryKind::socket;
    default: return EntryKind::other;
    }
}

std::string read_link(int dir, const std::string& name, const std::string& path)
{
    std::array<char, 4096> target{};
    const ssize_t size = ::readlinkat(dir, name.c_str(), target.data(), target.size());
    if (size < 0) fail_by_errno("read symbolic link", path);
    return {target.data(), static_cast<std::size_t>(size)};
}

class Packer {
public:
    using Progress = std::function<void(std::uint64_t, std::uint64_t)>;

    Packer(int into, const Limits& limits, const Progress& progress)
        : policy_(limits), progress_(progress), writer_(archive_write_new()),
          header_(archive_entry_new())
    {
        if (!writer_ || !header_) throw std::bad_alloc();
        archive_write_set_format_pax_restricted(writer_.get());
        archive_write_add_filter_none(writer_.get());
        check(archive_write_open_fd(writer_.get(), into));
    }

    void directory(int dir, const std::string& path)
    {
        for (const std::string& name : names_in(dir, path))
            one(dir, name, path.empty() ? name : path + "/" + name);
    }

    void finish()
    {
        policy_.finish();
        check(archive_write_close(writer_.get()));
    }

private:
    void check(la_ssize_t answer)
    {
        if (answer >= 0) return;
        errno = archive_errno(writer_.get());
        fail_by_errno("write the archive");
    }

    void one(int dir, const std::string& name, const std::string& path)
    {
        struct stat status {};
        if (::fstatat(dir, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
            fail_by_errno("look at", path);
        Entry entry{path, kind_of(status.st_mode), 0, status.st_mode & 07777U, 0, {}};
        if (entry.kind == EntryKind::symbolic_link) entry.target = read_link(dir, name, path);
        if (entry.kind == EntryKind::file) entry.size = static_cast<std::uint64_t>(status.st_size);
        policy_.take(entry);
        // Opened without waiting, should it have become a FIFO since it was looked at.
        OwnedFd own;
        if (S_ISREG(status.st_mode)) own = open_at(dir, name, O_RDONLY | O_NONBLOCK);
        if (S_ISDIR(status.st_mode)) own = open_at(dir, name, O_RDONLY | O_DIRECTORY);
        write_header(entry, status);
        if (S_ISREG(status.st_mode)) contents(own.get(), entry);
        progress_(bytes_, policy_.entries());
        if (S_ISDIR(status.st_mode)) directory(own.get(), path);
    }

    void write_header(const Entry& entry, const struct stat& status)
    {
        archive_entry* header = archive_entry_clear(header_.get());
        archive_entry_set_pathname(header, entry.path.c_str());
        archive_entry_set_mode(header, status.st_mode);
        archive_entry_set_mtime(header, status.st_mtim.tv_sec, 0);
        archive_entry_set_size(header, static_cast<la_int64_t>(entry.size));
        if (!entry.target.empty()) archive_entry_set_symlink(header, entry.target.c_str());
        check(archive_write_header(writer_.get(), header));
    }

    void contents(int file, const Entry& entry)
    {
        std::uint64_t size = 0;
        read_all(file, entry.path, [&](std::span<const char> bytes) {
            if (bytes.size() > entry.size - size) changed(entry);
            size += bytes.size();
            check(archive_write_data(writer_.get(), bytes.data(), bytes.size()));
            progress_(bytes_ += bytes.size(), policy_.entries());
        });
        if (size != entry.size) changed(entry);
    }

    [[noreturn]] static void changed(const Entry& entry)
    {
        throw Failed(Fault::source, fmt::format("the source changes while it is packed: {}",
                                                printable(entry.path, 200)));
    }

    EntryPolicy policy_;
    const Progress& progress_;
    std::unique_ptr<archive, FreeWriter> writer_;
    std::unique_ptr<archive_entry, FreeEntry> header_;
    std::uint64_t bytes_ = 0;
};

} // namespace

void pack_directory(int directory, int into, const Limits& limits,
                    const std::function<void(std::uint64_t, std::uint64_t)>& progress)
{
    Packer packer(into, limits, progress);
    packer.directory(directory, "");
    packer.finish();
}

} // namespace keel::deploy
