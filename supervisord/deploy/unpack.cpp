// From the kept archive to the release: verify, check, unpack, settle, and one rename.
//
// Unpacking happens in releases/ID.partial/tree: ID.partial is this process' alone, so that nobody
// else who runs as nobody can reach what nobody's process writes.
#include "base/text.hpp"
#include "deploy/archive_reader.hpp"
#include "deploy/digest.hpp"
#include "deploy/failed.hpp"
#include "deploy/files.hpp"
#include "deploy/formers.hpp"
#include "deploy/jail.hpp"
#include "deploy/release_root.hpp"
#include "deploy/release_sink.hpp"
#include "deploy/tree.hpp"
#include "deploy/verbs.hpp"

#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>

namespace keel::deploy {
namespace {

constexpr const char* tree = "tree";

/// Takes everything and keeps nothing.
class NoSink final : public EntrySink {
public:
    void directory(const Entry&, const Place&) override {}
    void symbolic_link(const Entry&, const Place&) override {}
    void hard_link(const Entry&, const Place&) override {}
    void begin_file(const Entry&, const Place&) override {}
    void file_bytes(std::span<const char>, std::uint64_t) override {}
    void end_file() override {}
};

/// From the beginning of the file, whatever has been read before.
NextBytes bytes_of(int file)
{
    return [file, at = off_t{0}, block = std::vector<char>(256U << 10)]() mutable {
        for (;;) {
            const ssize_t count = ::pread(file, block.data(), block.size(), at);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) fail_by_errno("read the archive");
            at += count;
            return std::span<const char>(block).first(static_cast<std::size_t>(count));
        }
    };
}

/// In the jail: reads all of the archive twice. What it holds, and whether there is room for it, is
/// known before the first byte is written.
void unpack_in_jail(int archive, int directory, Counters& counters)
{
    const auto size = static_cast<std::uint64_t>(stat_of(archive, "the archive").st_size);
    const auto show = [&](const ArchiveTotals& totals) {
        counters.bytes = totals.bytes;
        counters.entries = totals.entries;
    };
    counters.step = Step::check;
    NoSink nothing;
    const auto totals = read_archive(bytes_of(archive), size, {}, nothing, show);
    need_room(directory, totals.bytes);
    counters.total = totals.bytes;
    counters.step = Step::unpack;
    ReleaseSink sink(directory, std::time(nullptr));
    try {
        read_archive(bytes_of(archive), size, {}, sink, show);
        sink.finish();
    } catch (const Failed& failed) {
        if (!failed.is_full()) throw;
        // Somebody else has filled it meanwhile, or many small files take more than they hold.
        throw Failed(Fault::host,
                     fmt::format("{}: {} in {} entries needed, {} free", failed.what(),
                                 human_size(totals.bytes), totals.entries,
                                 human_size(room_at(directory))),
                     failed.errno_value());
    }
}

/// The archive is what was verified when it was fetched.
OwnedFd open_verified(const ReleaseRoot& root, ReportFile& report)
{
    const std::string recorded = root.recorded_digest();
    auto file = open_if_there(root.archives(), root.id(), O_RDONLY);
    if (!file || recorded.empty())
        throw Failed(Fault::host,
                     fmt::format("there is no verified archive of {}: fetch it first", root.id()));
    report.begin(Step::verify, static_cast<std::uint64_t>(stat_of(file->get(), root.id()).st_size));
    Sha256 digest;
    std::uint64_t bytes = 0;
    read_all(file->get(), root.id(), [&](std::span<const char> block) {
        digest.add(block);
        report.advance(bytes += block.size());
    });
    if (digest.hex() == recorded) return std::move(*file);
    root.remove_archive();
    throw Failed(Fault::host, fmt::format("the kept archive of {} has changed since it was "
                                          "verified; it is removed: fetch it again",
                                          root.id()));
}

void run_unpacker(const ReleaseRoot& root, int archive, int directory, ReportFile& report)
{
    Jail jail;
    jail.directory = directory;
    jail.descriptors = {archive, root.lock()};
    (void)run_jailed(
        jail,
        [&](Counters& counters) {
            unpack_in_jail(archive, directory, counters);
            return std::string();
        },
        [&](const Counters& counters) { report.follow(counters); });
}

/// Into releases/ID.partial/tree, ready to be renamed.
void fill_partial(const ReleaseRoot& root, int archive, ReportFile& report)
{
    const OwnedFd partial = open_directory(root.releases(), root.partial(), 0700);
    const uid_t writer = ::geteuid() == 0 ? nobody : ::geteuid();
    {
        const OwnedFd inside = open_directory(partial.get(), tree, 0755);
        if (::geteuid() == 0 && ::fchown(inside.get(), nobody, nobody) != 0)
            fail_by_errno("give away", root.partial());
        run_unpacker(root, archive, inside.get(), report);
    }
    const ReleaseReport unpacked = report.report(); // How much that was is told to the end.
    report.begin(Step::settle, unpacked.bytes);
    report.advance(unpacked.bytes, unpacked.entries);
    take_over(partial.get(), tree, writer);
    // One call for all that was written: an fsync for each of 100,000 files takes minutes. It waits
    // for what others have written to this disk as well, which is the lesser evil.
    if (::syncfs(root.releases()) != 0) fail_by_errno("synchronise", root.partial());
}

/// The release is either what it was or what it shall be, at any moment.
void put_in_place(const ReleaseRoot& root)
{
    const OwnedFd partial = open_at(root.releases(), root.partial(), O_RDONLY | O_DIRECTORY);
    const bool replaces = is_there(root.releases(), root.id());
    if (::renameat2(partial.get(), tree, root.releases(), root.id().c_str(),
                    replaces ? RENAME_EXCHANGE : RENAME_NOREPLACE) != 0)
        fail_by_errno("put in place", root.id());
    synchronise(partial.get(), root.partial());
    synchronise(root.releases(), "releases");
}

} // namespace

void unpack(const std::string& root_path, const std::string& id, Replaced replaced,
            ReportFile& report)
{
    const ReleaseRoot root(root_path, id);
    // Of one that was cut short nobody can tell which of the two trees stands there.
    if (replaced == Replaced::kept) set_aside(root);
    remove_tree(root.releases(), root.partial());
    try {
        const OwnedFd archive = open_verified(root, report);
        fill_partial(root, archive.get(), report);
    } catch (const Failed& failed) {
        remove_tree(root.releases(), root.partial());
        if (failed.fault() == Fault::release) root.remove_archive();
        throw;
    }
    const auto clear_up = [&] {
        if (replaced == Replaced::kept) set_aside(root);
        remove_tree(root.releases(), root.partial());
    };
    try {
        put_in_place(root);
    } catch (const Failed&) {
        clear_up();
        throw;
    }
    clear_up();
    say(fmt::format("unpacked {}: {} entries", id, report.report().entries));
}

} // namespace keel::deploy
