#include "deploy/release_root.hpp"

#include "base/ensure.hpp"
#include "base/release_id.hpp"
#include "deploy/digest.hpp"
#include "deploy/failed.hpp"
#include "deploy/files.hpp"

#include <fcntl.h>
#include <sys/file.h>

namespace keel::deploy {
namespace {

constexpr std::size_t digest_bytes_max = 65;

OwnedFd open_root(const std::string& root)
{
    if (::mkdir(root.c_str(), 0755) != 0 && errno != EEXIST) fail_by_errno("make directory", root);
    // The way there is the operator's own, and may have links in it.
    OwnedFd fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) fail_by_errno("open", root);
    return fd;
}

/// A plain file, so that a child that keeps it cannot go anywhere from it.
OwnedFd take_lock(int root)
{
    OwnedFd lock = open_at(root, ".lock", O_RDWR | O_CREAT, 0600);
    while (::flock(lock.get(), LOCK_EX) != 0)
        if (errno != EINTR) fail_by_errno("lock", ".lock");
    return lock;
}

OwnedFd open_own(int root, const char* name, mode_t mode)
{
    const bool is_new = !is_there(root, name);
    OwnedFd fd = open_directory(root, name, mode);
    if (is_new) synchronise(root, name);
    return fd;
}

} // namespace

ReleaseRoot::ReleaseRoot(const std::string& root, std::string id)
    : id_(std::move(id)), root_(open_root(root)), lock_(take_lock(root_.get())),
      archives_(open_own(root_.get(), "archives", 0700)),
      releases_(open_own(root_.get(), "releases", 0755))
{
    ENSURE(is_release_id(id_), "an ID is the name of a release wherever it is used as one");
}

std::string ReleaseRoot::recorded_digest() const
{
    const auto file = open_if_there(archives(), digest(), O_RDONLY);
    if (!file) return {};
    const std::string text = read_small(file->get(), digest_bytes_max, digest());
    if (text.size() != digest_bytes_max || text.back() != '\n') return {};
    return parse_sha256(std::string_view(text).substr(0, text.size() - 1)).value_or("");
}

void ReleaseRoot::record_digest(const std::string& hex) const
{
    const std::string fresh = digest() + ".partial";
    {
        const OwnedFd file = open_at(archives(), fresh, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        write_all(file.get(), hex + "\n", fresh);
        synchronise(file.get(), fresh);
    }
    rename_at(archives(), fresh, digest());
    synchronise(archives(), "archives");
}

void ReleaseRoot::remove_partial_archive() const
{
    remove_file(archives(), resume());
    remove_file(archives(), partial());
    remove_file(archives(), digest() + ".partial");
}

void ReleaseRoot::remove_archive() const
{
    remove_file(archives(), digest());
    remove_file(archives(), id());
    synchronise(archives(), "archives");
}

} // namespace keel::deploy
