#include "sys/run_dir.hpp"

#include "sys/fifo.hpp"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::sys {

namespace fs = std::filesystem;

namespace {

constexpr char starts_file[] = "engine.starts";

/// The number that a file begins with; 0 without one.
int read_number(const fs::path& file)
{
    const OwnedFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    char text[16];
    const ssize_t size = ::read(fd.get(), text, sizeof text);
    int number = 0;
    if (size > 0) std::from_chars(text, text + size, number);
    return number;
}

/// Never seen half written.
Result<void> write_number(const fs::path& file, int number)
{
    const std::string part = file.native() + ".new";
    const OwnedFd fd(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    const std::string text = fmt::format("{}\n", number);
    const auto size = static_cast<ssize_t>(text.size());
    if (::write(fd.get(), text.data(), text.size()) == size &&
        ::rename(part.c_str(), file.c_str()) == 0)
        return {};
    return Error::from_errno("write", file.native());
}

/// Whatever our umask is: nobody else may write to these.
Result<void> make_folders(const fs::path& path)
{
    std::error_code failed;
    const mode_t ours = ::umask(022);
    fs::create_directories(path, failed);
    ::umask(ours);
    if (failed) return Error{"make folder", path.native(), failed.value()};
    return {};
}

Result<OwnedFd> open_lock(const fs::path& file)
{
    OwnedFd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!lock) return Error::from_errno("open", file.native());
    return lock;
}

} // namespace

Result<RunDir> RunDir::claim(const fs::path& path, KeeperClient& keeper)
{
    RunDir dir(path);
    if (auto made = make_folders(path); !made) return made.error();
    if (auto locked = dir.lock_for_keeper(keeper); !locked) return locked.error();
    if (auto locked = dir.lock_for_us(); !locked) return locked.error();
    dir.starts_ = read_number(path / starts_file) + 1;
    if (auto written = write_number(path / starts_file, dir.starts_); !written)
        return written.error();
    if (auto written = write_number(path / "engine.pid", ::getpid()); !written)
        return written.error();
    return dir;
}

Result<void> RunDir::lock_for_keeper(KeeperClient& keeper)
{
    const fs::path pid_file = path_ / "keeld.pid";
    const int owner = read_number(pid_file);
    after_crash_ = owner != 0;
    auto lock = open_lock(path_ / "keeld.lock");
    if (!lock) return lock.error();
    if (::flock(lock->get(), LOCK_EX | LOCK_NB) != 0) {
        if (owner == ::getppid()) return {}; // an engine before us has locked it
        return Error{fmt::format("another keeld (pid {}) runs on", owner), path_.native(), 0};
    }
    // Before the lock is handed over: whoever finds it locked finds the pid as well.
    if (auto written = write_number(pid_file, ::getppid()); !written) return written;
    keeper_is_new_ = true;
    keeper.hold(hold_key("keeld.lock"), lock->get());
    return {};
}

/// Nobody is waited for under the same keeper: it has buried the engine before us. What may still
/// have the lock for a moment is a child of that engine in its set-up.
Result<void> RunDir::lock_for_us()
{
    auto lock = open_lock(path_ / "engine.lock");
    if (!lock) return lock.error();
    while (::flock(lock->get(), keeper_is_new_ ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 &&
           errno == EINTR) {
    }
    lock_ = std::move(*lock);
    return {};
}

void RunDir::note_ready()
{
    starts_ = 0;
    ::unlink((path_ / starts_file).c_str());
}

void RunDir::leave()
{
    note_ready();
    ::unlink((path_ / "engine.pid").c_str());
    ::unlink((path_ / "keeld.pid").c_str());
}

} // namespace keel::sys
