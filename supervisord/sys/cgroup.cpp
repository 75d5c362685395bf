#include "sys/cgroup.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <initializer_list>
#include <linux/magic.h>
#include <string_view>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace keel::sys {

namespace {

constexpr int prepare_tries = 4;
constexpr const char* leaf_name = "_keeld";
constexpr const char* control_name = ".control"; ///< where systemd has commands beside the main one

std::string read_text(const std::string& path)
{
    std::array<char, 4096> text{};
    const OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const ssize_t size = fd ? ::read(fd.get(), text.data(), text.size()) : 0;
    return {text.data(), static_cast<std::size_t>(size > 0 ? size : 0)};
}

bool write_text(const std::string& path, std::string_view text)
{
    const OwnedFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool is_cgroup2(const std::string& path)
{
    struct statfs info {};
    return ::statfs(path.c_str(), &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC;
}

/// Where the unified hierarchy is mounted; empty: nowhere that we know of.
std::string unified_mount()
{
    for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
        if (is_cgroup2(path)) return path;
    return {};
}

/// The path after `0::` in /proc/PID/cgroup.
std::optional<std::string> unified_path(const std::string& proc_entry)
{
    const std::string text = "\n" + read_text(proc_entry + "/cgroup");
    const std::size_t begin = text.find("\n0::");
    if (begin == std::string::npos) return std::nullopt;
    const std::size_t end = text.find('\n', begin + 1);
    return text.substr(begin + 4, end - begin - 4);
}

bool is_delegated(const std::string& directory)
{
    for (const char* name : {"trusted.delegate", "user.delegate"}) {
        char value = 0;
        if (::getxattr(directory.c_str(), name, &value, 1) == 1 && value == '1') return true;
    }
    return false;
}

/// Our own group, or the one above it if ours has one of these names.
std::optional<std::string> delegated_to_us(std::initializer_list<const char*> leaves)
{
    const std::string mount = unified_mount();
    const auto path = unified_path("/proc/self");
    if (mount.empty() || !path) return std::nullopt;
    std::string base = mount + *path;
    for (const char* leaf : leaves)
        if (base.ends_with(std::string("/") + leaf)) {
            base.resize(base.rfind('/'));
            break;
        }
    if (!is_delegated(base)) return std::nullopt;
    return base;
}

} // namespace

std::optional<std::string> find_cgroup_base(pid_t keeper)
{
    if (const char* named = std::getenv("KEEL_CGROUP"); named != nullptr && *named != '\0')
        return named;
    auto base = delegated_to_us({leaf_name});
    if (!base) return std::nullopt;
    const std::string leaf = *base + "/" + leaf_name;
    if (::mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST) return std::nullopt;
    for (const pid_t pid : {keeper, ::getpid()})
        if (!write_text(leaf + "/cgroup.procs", std::to_string(pid))) return std::nullopt;
    return base;
}

bool release_delegated_cgroup()
{
    const auto base = delegated_to_us({leaf_name, control_name});
    if (!base) return false;
    CgroupLimits(std::make_shared<CgroupFolder>(*base)).release();
    return true;
}

Result<std::unique_ptr<CgroupTree>> CgroupTree::open(ports::Loop& loop, const std::string& base)
{
    if (!is_cgroup2(base)) return Error{"not a cgroup v2 directory", base, 0};
    if (::access(base.c_str(), W_OK) != 0) return Error::from_errno("write", base);
    // The root has no cgroup.kill, its children have.
    const std::string probe = base + "/" + leaf_name;
    const bool made = ::mkdir(probe.c_str(), 0755) == 0;
    const bool can_kill = ::access((probe + "/cgroup.kill").c_str(), W_OK) == 0;
    if (made) ::rmdir(probe.c_str());
    if (!can_kill) return Error{"the kernel is older than 5.14: no cgroup.kill in", base, 0};
    OwnedFd notices(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!notices) return Error::from_errno("inotify");
    return std::unique_ptr<CgroupTree>(new CgroupTree(loop, base, std::move(notices)));
}

CgroupTree::CgroupTree(ports::Loop& loop, const std::string& base, OwnedFd notices)
    : loop_(loop), base_(base.substr(0, base.find_last_not_of('/') + 1)), mount_(unified_mount()),
      limits_(std::make_shared<CgroupFolder>(base_)), notices_(std::move(notices))
{
    watch_ = loop_.watch_fd(notices_.get(), ports::Interest::readable,
                            [this](ports::FdEvents) { read_notices(); });
}

/// What nobody will look at any more is not left behind.
CgroupTree::~CgroupTree()
{
    for (const std::string& whole : going_)
        ::rmdir(whole.c_str());
}

Result<OwnedFd> CgroupTree::prepare(const std::string& path) const
{
    const std::string whole = base_ + "/" + path;
    // The group above it may be removed at any moment: see remove_after().
    for (int tries = 0; tries < prepare_tries; ++tries) {
        OwnedFd fd(::open(whole.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (fd) return fd;
        if (errno != ENOENT) break;
        ::mkdir(whole.substr(0, whole.rfind('/')).c_str(), 0755);
        if (::mkdir(whole.c_str(), 0755) != 0 && errno != EEXIST && errno != ENOENT) break;
    }
    return Error::from_errno("cgroup", whole);
}

Result<OwnedFd> CgroupTree::open_procs(const std::string& path) const
{
    const std::string whole = base_ + "/" + path + "/cgroup.procs";
    OwnedFd fd(::open(whole.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) return Error::from_errno("open", whole);
    return fd;
}

bool CgroupTree::populated(const std::string& path) const
{
    return read_text(base_ + "/" + path + "/cgroup.events").find("populated 1") !=
           std::string::npos;
}

void CgroupTree::kill(const std::string& path) const
{
    write_text(base_ + "/" + path + "/cgroup.kill", "1");
}

void CgroupTree::when_empty(const std::string& path, std::function<void()> handler)
{
    const std::string file = base_ + "/" + path + "/cgroup.events";
    const int id = ::inotify_add_watch(notices_.get(), file.c_str(), IN_MODIFY);
    if (id < 0 || !populated(path)) { // watched first, asked second: no change falls in between
        if (id >= 0) ::inotify_rm_watch(notices_.get(), id);
        loop_.defer(std::move(handler));
        return;
    }
    waits_[id] = Wait{path, std::move(handler)};
}

void CgroupTree::read_notices()
{
    alignas(inotify_event) std::array<char, 4096> buffer{};
    const ssize_t size = ::read(notices_.get(), buffer.data(), buffer.size());
    for (ssize_t at = 0; at < size;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        at += static_cast<ssize_t>(sizeof *event + event->len);
        const auto found = waits_.find(event->wd);
        if (found == waits_.end() || populated(found->second.path)) continue;
        const auto handler = std::move(found->second.handler);
        if ((event->mask & IN_IGNORED) == 0) ::inotify_rm_watch(notices_.get(), event->wd);
        waits_.erase(found);
        handler();
    }
}

void CgroupTree::remove(const std::string& path) const
{
    std::string whole = base_ + "/" + path;
    while (whole.size() > base_.size()) {
        const std::size_t parent = whole.rfind('/');
        if (parent == base_.size() && before_unit_goes_)
            return remove_after(before_unit_goes_(whole.substr(parent + 1)), whole);
        if (::rmdir(whole.c_str()) != 0) return;
        whole.resize(parent);
    }
}

/// If something is started in the group meanwhile, it is not empty and stays.
void CgroupTree::remove_after(LastLook look, const std::string& whole) const
{
    const auto entry = going_.insert(whole);
    loop_.offload(
        [whole, read = std::move(look.read)] {
            read();
            ::rmdir(whole.c_str());
        },
        [this, entry, done = std::move(look.done), alive = std::weak_ptr(alive_)] {
            if (alive.expired()) return;
            going_.erase(entry);
            done();
        });
}

std::optional<std::string> CgroupTree::path_of(pid_t pid) const
{
    const auto path = unified_path("/proc/" + std::to_string(pid));
    if (!path || !(mount_ + *path).starts_with(base_ + "/")) return std::nullopt;
    return (mount_ + *path).substr(base_.size() + 1);
}

} // namespace keel::sys
