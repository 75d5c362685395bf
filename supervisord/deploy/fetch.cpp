// From wherever it comes to ROOT/archives/ID. The source is opened here, with this process' rights;
// what a stranger may have made is read in the jail.
#include "base/text.hpp"
#include "deploy/checksums.hpp"
#include "deploy/digest.hpp"
#include "deploy/failed.hpp"
#include "deploy/files.hpp"
#include "deploy/http_source.hpp"
#include "deploy/jail.hpp"
#include "deploy/packer.hpp"
#include "deploy/release_root.hpp"
#include "deploy/source_name.hpp"
#include "deploy/verbs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>

namespace keel::deploy {
namespace {

bool is_directory(const std::string& path)
{
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// The operator's own file: through links, but never waiting for a FIFO.
OwnedFd open_local(const std::string& path)
{
    OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file)
        throw Failed(Fault::source,
                     fmt::format("open {}: {}", printable(path), ::strerrordesc_np(errno)), errno);
    const mode_t mode = stat_of(file.get(), path).st_mode;
    if (!S_ISREG(mode) && !S_ISDIR(mode))
        throw Failed(Fault::source,
                     fmt::format("{} is neither a file nor a directory", printable(path)));
    return file;
}

std::string digest_of(int file, const std::string& name, ReportFile& report)
{
    report.begin(Step::verify, static_cast<std::uint64_t>(stat_of(file, name).st_size));
    Sha256 digest;
    std::uint64_t bytes = 0;
    read_all(file, name, [&](std::span<const char> block) {
        digest.add(block);
        report.advance(bytes += block.size());
    });
    return digest.hex();
}

/// What a kept piece of a download must be of. A power failure may have left anything in it, so one
/// of another boot is not gone on with.
std::string mark_of(const std::string& url)
{
    const OwnedFd file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
    const std::string boot = file ? read_small(file.get(), 64, "boot_id") : std::string();
    return sha256_of(url + "\n" + boot);
}

class Fetch {
public:
    Fetch(const FetchOrder& order, const ReleaseRoot& root, ReportFile& report)
        : order_(order), root_(root), report_(report)
    {
        if (!order.ca_file.empty())
            ca_bundle_ = read_small(open_local(order.ca_file).get(), ca_bytes_max, order.ca_file);
    }

    /// It is there, and what it was, and what it should be.
    [[nodiscard]] bool is_done() const
    {
        const std::string recorded = root_.recorded_digest();
        const auto file = open_if_there(root_.archives(), root_.id(), O_RDONLY);
        if (recorded.empty() || !file) return false;
        if (!order_.sha256.empty() && order_.sha256 != recorded) {
            say(fmt::format("the kept archive of {} is another one; it is fetched anew",
                            root_.id()));
            return false;
        }
        if (digest_of(file->get(), root_.id(), report_) == recorded) return true;
        say(fmt::format("the kept archive of {} has changed since it was verified; it is fetched "
                        "anew",
                        root_.id()));
        return false;
    }

    void run()
    {
        root_.remove_archive();
        const std::string expected = order_.checksums.empty() ? order_.sha256 : look_up_checksum();
        if (source_kind(order_.source) == SourceKind::local) root_.remove_partial_archive();
        const OwnedFd file = open_at(root_.archives(), root_.partial(), O_RDWR | O_CREAT, 0600);
        const bool goes_on = stat_of(file.get(), root_.partial()).st_size > 0;
        obtain(file.get());
        std::string digest = digest_of(file.get(), root_.partial(), report_);
        if (digest != expected && !expected.empty() && goes_on) {
            say("what was fetched in pieces has another checksum; it is fetched anew");
            if (::ftruncate(file.get(), 0) != 0) fail_by_errno("write", root_.partial());
            obtain(file.get());
            digest = digest_of(file.get(), root_.partial(), report_);
        }
        if (digest != expected && !expected.empty())
            throw Failed(Fault::release,
                         fmt::format("{}: its SHA-256 is {}, and not {}",
                                     shown_source(order_.source), digest, expected));
        keep(file.get(), digest);
    }

private:
    void keep(int file, const std::string& digest)
    {
        synchronise(file, root_.partial());
        rename_at(root_.archives(), root_.partial(), root_.id());
        synchronise(root_.archives(), "archives");
        root_.record_digest(digest);
        remove_file(root_.archives(), root_.resume());
        say(fmt::format(
            "fetched {} from {}: {}, SHA-256 {}", root_.id(), shown_source(order_.source),
            human_size(static_cast<std::uint64_t>(stat_of(file, root_.id()).st_size)), digest));
    }

    void obtain(int file)
    {
        if (source_kind(order_.source) != SourceKind::local) return download_archive(file);
        const OwnedFd source = open_local(order_.source);
        const struct stat status = stat_of(source.get(), order_.source);
        if (!S_ISDIR(status.st_mode))
            return copy(source.get(), static_cast<std::uint64_t>(status.st_size), file);
        report_.begin(Step::pack);
        Limits limits;
        limits.unpacked_bytes = limits.archive_bytes;
        pack_directory(source.get(), file, limits, [&](std::uint64_t bytes, std::uint64_t entries) {
            report_.advance(bytes, entries);
        });
    }

    void copy(int source, std::uint64_t size, int file)
    {
        if (size > Limits{}.archive_bytes)
            throw Failed(Fault::release,
                         fmt::format("{} is larger than {}", shown_source(order_.source),
                                     size_to_text(Limits{}.archive_bytes)));
        need_room(file, size);
        report_.begin(Step::copy, size);
        std::uint64_t copied = 0;
        read_all(source, order_.source, [&](std::span<const char> bytes) {
            if (bytes.size() > Limits{}.archive_bytes - copied)
                throw Failed(Fault::source, "the source grows while it is copied");
            write_all(file, bytes, root_.partial());
            report_.advance(copied += bytes.size());
        });
    }

    [[nodiscard]] Download to_download(const std::string& url, int file, Counters& counters) const
    {
        Download what;
        what.url = url;
        what.ca_bundle = ca_bundle_;
        what.file = file;
        what.stall = order_.stall;
        what.time_limit = order_.time_limit;
        what.progress = [&counters](std::uint64_t bytes, std::uint64_t total) {
            counters.bytes = bytes;
            counters.total = total;
        };
        return what;
    }

    std::string run_jailed_with(std::vector<int> descriptors,
                                const std::function<std::string(Counters&)>& job)
    {
        descriptors.push_back(root_.lock());
        return run_jailed({-1, std::move(descriptors)}, job,
                          [&](const Counters& counters) { report_.follow(counters); });
    }

    void download_archive(int file)
    {
        const OwnedFd resume = open_at(root_.archives(), root_.resume(), O_RDWR | O_CREAT, 0600);
        const std::string mark = mark_of(order_.source);
        (void)run_jailed_with({file, resume.get()}, [&](Counters& counters) {
            counters.step = Step::download;
            Download what = to_download(order_.source, file, counters);
            what.resume = resume.get();
            what.mark = mark;
            what.bytes_max = Limits{}.archive_bytes;
            download(what);
            return std::string();
        });
    }

    std::string look_up_checksum()
    {
        const bool is_local = source_kind(order_.checksums) == SourceKind::local;
        // In memory: a list is small, and not worth a file of its own.
        const OwnedFd list = is_local ? open_local(order_.checksums)
                                      : OwnedFd(::memfd_create("checksums", MFD_CLOEXEC));
        if (!list) fail_by_errno("memfd_create");
        const std::string found = run_jailed_with({list.get()}, [&](Counters& counters) {
            counters.step = Step::checksums;
            if (!is_local) {
                Download what = to_download(order_.checksums, list.get(), counters);
                what.bytes_max = checksums_bytes_max;
                download(what);
            }
            const std::string text = read_small(list.get(), checksums_bytes_max, "the checksums");
            if (text.size() > checksums_bytes_max)
                throw Failed(Fault::release, "the list of checksums is far too large");
            return find_checksum(text, base_name_of(order_.source));
        });
        const auto hex = parse_sha256(found);
        if (!hex) throw Failed(Fault::host, "what was found is no checksum");
        return *hex;
    }

    const FetchOrder& order_;
    const ReleaseRoot& root_;
    ReportFile& report_;
    std::string ca_bundle_;
};

/// What of it is there can be gone on with only if it is the source that has failed.
void clean_up_after(const Failed& failed, const FetchOrder& order, const ReleaseRoot& root)
{
    const bool can_go_on = source_kind(order.source) != SourceKind::local;
    if (failed.fault() == Fault::source && can_go_on) return;
    root.remove_partial_archive();
    if (failed.is_full()) say("what was there of it is removed, so that there is room again");
}

} // namespace

std::string problem_of(const FetchOrder& order)
{
    const SourceKind kind = source_kind(order.source);
    const bool has_checksum = !order.sha256.empty() || !order.checksums.empty();
    if (kind == SourceKind::http && !has_checksum)
        return "a source by http needs a checksum, as anybody on the way could change it";
    if (source_kind(order.checksums) == SourceKind::http)
        return "checksums by http prove nothing, as anybody on the way could change them";
    if (kind == SourceKind::local && !order.source.starts_with('/'))
        return "a source must be absolute";
    if (!order.checksums.empty() && source_kind(order.checksums) == SourceKind::local &&
        !order.checksums.starts_with('/'))
        return "the place of checksums must be absolute";
    if (kind == SourceKind::local && has_checksum && is_directory(order.source))
        return "a directory has no checksum";
    return {};
}

void fetch(const FetchOrder& order, ReportFile& report)
{
    const ReleaseRoot root(order.root, order.id);
    try {
        Fetch fetch(order, root, report);
        if (fetch.is_done())
            say(fmt::format("the archive of {} is there already, and verified", order.id));
        else
            fetch.run();
    } catch (const Failed& failed) {
        clean_up_after(failed, order, root);
        throw;
    }
}

} // namespace keel::deploy
