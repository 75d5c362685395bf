// keel-release on a directory of a test's own, with a look at everything around it.
#pragma once
#include "base/owned_fd.hpp"
#include "deploy/release_report.hpp"
#include "tests/integration/deploy/tar_maker.hpp"
#include "tests/support/temp_dir.hpp"

#include <array>
#include <fcntl.h>
#include <fstream>
#include <gmock/gmock.h>
#include <grp.h>
#include <iterator>
#include <map>
#include <sys/stat.h>
#include <sys/wait.h>
#include <vector>

namespace keel::test {

namespace fs = std::filesystem;

inline void write_file(const fs::path& path, const std::string& bytes)
{
    std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string read_file(const fs::path& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// What is below `path`: for each name its kind, mode, owner and contents.
using Listing = std::map<std::string, std::string>;
inline Listing listing(const fs::path& path)
{
    Listing found;
    if (!fs::is_directory(fs::symlink_status(path))) return found;
    for (const auto& one : fs::recursive_directory_iterator(path)) {
        struct stat status {};
        ::lstat(one.path().c_str(), &status);
        std::array<char, 64> text{};
        (void)std::snprintf(text.data(), text.size(), "%o %u:%u ", status.st_mode, status.st_uid,
                            status.st_gid);
        std::string about = text.data();
        if (one.is_symlink())
            about += "-> " + fs::read_symlink(one.path()).string();
        else if (one.is_regular_file())
            about += read_file(one.path());
        found[fs::relative(one.path(), path)] = about;
    }
    return found;
}

struct Ended {
    int code = -1;
    std::string said; ///< to standard error
};

/// 0: as who this is; else as this user, whose group has the same number.
inline Ended run_program(std::vector<std::string> words, uid_t user = 0)
{
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const OwnedFd in(ends[0]);
    OwnedFd out(ends[1]);
    const pid_t pid = ::fork();
    if (pid == 0) {
        std::vector<char*> arguments;
        for (std::string& word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        ::dup2(out.get(), STDERR_FILENO);
        if (user != 0 &&
            (::setgroups(0, nullptr) != 0 || ::setgid(user) != 0 || ::setuid(user) != 0))
            ::_exit(126);
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }
    out.reset();
    Ended ended;
    std::array<char, 4096> bytes{};
    for (ssize_t count = 0; (count = ::read(in.get(), bytes.data(), bytes.size())) > 0;)
        ended.said.append(bytes.data(), static_cast<std::size_t>(count));
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status)) ended.code = WEXITSTATUS(status);
    return ended;
}

class ReleaseFixture : public ::testing::Test {
protected:
    static constexpr int done = static_cast<int>(deploy::ReleaseExit::done);
    static constexpr int release_at_fault = static_cast<int>(deploy::ReleaseExit::release);
    static constexpr int host_at_fault = static_cast<int>(deploy::ReleaseExit::host);
    static constexpr int source_at_fault = static_cast<int>(deploy::ReleaseExit::source);
    static constexpr int usage = static_cast<int>(deploy::ReleaseExit::usage);

    ReleaseFixture()
    {
        fs::create_directory(outside_);
        write_file(outside_ / "victim", "as it was");
        fs::create_directory(outside_ / "folder");
    }

    [[nodiscard]] std::vector<std::string> words(const std::string& verb,
                                                 const std::vector<std::string>& more = {}) const
    {
        std::vector<std::string> all{KEEL_BIN_DIR "/keel-release",
                                     verb,
                                     "--root",
                                     root_.string(),
                                     "--id",
                                     id_,
                                     "--report",
                                     report_.string()};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    [[nodiscard]] Ended run(const std::string& verb,
                            const std::vector<std::string>& more = {}) const
    {
        return run_program(words(verb, more), user_);
    }
    [[nodiscard]] Ended fetch(const fs::path& source,
                              const std::vector<std::string>& more = {}) const
    {
        std::vector<std::string> all{"--source", source.string()};
        all.insert(all.end(), more.begin(), more.end());
        return run("fetch", all);
    }
    /// The archive, fetched; the outcome of unpacking it.
    [[nodiscard]] Ended unpack(const std::string& archive) const
    {
        write_file(dir_ / "app.tar", archive);
        return unpack_file(dir_ / "app.tar");
    }
    [[nodiscard]] Ended unpack_file(const fs::path& archive) const
    {
        const Ended fetched = fetch(archive);
        fs::remove(archive);
        EXPECT_EQ(fetched.code, done) << fetched.said;
        return run("unpack");
    }

    [[nodiscard]] fs::path release() const { return root_ / "releases" / id_; }
    [[nodiscard]] fs::path victim() const { return outside_ / "victim"; }
    [[nodiscard]] deploy::ReleaseReport report() const
    {
        return deploy::read_release_report(report_).value_or(deploy::ReleaseReport{});
    }

    TempDir dir_;
    fs::path root_ = dir_ / "root";
    fs::path outside_ = dir_ / "outside";
    fs::path report_ = dir_ / "report";
    std::string id_ = "1.0";
    uid_t user_ = 0;
};

/// Expects every archive to be refused, with nothing left of it and nothing touched around it.
class HostileArchive : public ReleaseFixture {
protected:
    void refuses(const std::string& archive, const std::string& why)
    {
        write_file(dir_ / "app.tar", archive);
        refuses_file(dir_ / "app.tar", why);
    }
    void refuses_file(const fs::path& archive, const std::string& why)
    {
        const fs::path moved = dir_.path().string() + ".tar";
        fs::rename(archive, moved);
        ASSERT_EQ(run("remove").code, done);
        const Listing before = listing(dir_.path());
        const Ended fetched = fetch(moved);
        fs::remove(moved);
        ASSERT_EQ(fetched.code, done) << fetched.said;
        const Ended ended = run("unpack");
        EXPECT_EQ(ended.code, release_at_fault) << ended.said;
        EXPECT_THAT(ended.said, ::testing::HasSubstr(why));
        EXPECT_EQ(report().fault, deploy::Fault::release);
        EXPECT_THAT(report().what, ::testing::HasSubstr(why));
        fs::remove(report_);
        Listing expected = before;
        expected.erase("report");
        EXPECT_EQ(listing(dir_.path()), expected);
    }
};

} // namespace keel::test
