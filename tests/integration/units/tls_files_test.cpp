// The files of [http.tls], made by the real `openssl`: what of them is taken, and what is said of
// what is not.
#include "tests/support/golden.hpp"
#include "tests/support/temp_dir.hpp"
#include "units/daemon_file.hpp"
#include "units/host_check.hpp"
#include "units/tls_files.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

namespace keel::units {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
namespace fs = std::filesystem;

void run(std::vector<std::string> words)
{
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        ::dup2(nothing, 1);
        ::dup2(nothing, 2);
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_EQ(status, 0) << words[0];
}

struct TlsFiles : testing::Test {
    test::TempDir folder;
    TlsSpec spec{folder / "web1.pem", folder / "web1.key"};

    /// A new certificate and its key.
    void make(const std::vector<std::string>& kind, const std::string& cipher = "-nodes")
    {
        std::vector<std::string> words{"openssl", "req", "-x509", "-newkey"};
        words.insert(words.end(), kind.begin(), kind.end());
        for (const char* word :
             {"-subj", "/CN=web1", "-days", "30", "-addext",
              "subjectAltName=DNS:web1.example.org,DNS:*.panel.example.org,IP:127.0.0.1",
              "-passout", "pass:words"})
            words.emplace_back(word);
        for (const std::string& word :
             {std::string("-out"), spec.certificate, std::string("-keyout"), spec.key, cipher})
            if (!word.empty()) words.push_back(word);
        run(words);
        fs::permissions(spec.key, fs::perms::owner_read | fs::perms::owner_write);
    }
    void make() { make({"ec", "-pkeyopt", "ec_paramgen_curve:P-256"}); }

    std::string problems()
    {
        const auto daemon =
            load_daemon(fmt::format("http.tls.certificate = \"{}\"\nhttp.tls.key = \"{}\"\n",
                                    spec.certificate, spec.key),
                        "keel.toml");
        EXPECT_THAT(daemon.problems, IsEmpty());
        const std::string prefix = folder / "";
        std::string told;
        for (const Problem& problem : check_host(daemon)) {
            std::string line = to_text(problem);
            for (auto at = line.find(prefix); at != std::string::npos; at = line.find(prefix))
                line.replace(at, prefix.size(), "");
            told += "    " + line + "\n";
        }
        return told;
    }
};

TEST_F(TlsFiles, GiveAnIdentityWithItsNames)
{
    make();
    const auto outcome = read_tls_files(spec);
    ASSERT_TRUE(std::holds_alternative<TlsIdentity>(outcome));
    const auto& identity = std::get<TlsIdentity>(outcome);
    EXPECT_NE(identity.context, nullptr);
    EXPECT_THAT(identity.names, ElementsAre("web1.example.org", "*.panel.example.org"));
    const auto life = identity.expires - std::chrono::system_clock::now().time_since_epoch();
    EXPECT_GT(life.time_since_epoch(), std::chrono::hours(24 * 29));
    EXPECT_LT(life.time_since_epoch(), std::chrono::hours(24 * 31));
    EXPECT_EQ(problems(), "");
}

TEST_F(TlsFiles, HaveAStampThatChangesWithThem)
{
    make();
    const TlsStamp before = stamp_of(spec);
    EXPECT_EQ(stamp_of(spec), before);
    fs::rename(spec.key, folder / "elsewhere");
    EXPECT_NE(stamp_of(spec), before);
    fs::copy_file(folder / "elsewhere", spec.key);
    EXPECT_NE(stamp_of(spec), before) << "the same bytes, written anew";
}

TEST_F(TlsFiles, TellTheirProblemsAsCommitted)
{
    std::string golden;
    const auto note = [&](const std::string& what) { golden += what + "\n" + problems(); };
    note("nothing is there");
    make();
    note("all is well");
    const std::string own = folder / "own.key";
    fs::copy_file(spec.key, own);
    make();
    fs::rename(own, spec.key);
    note("the key is another's");
    make();
    fs::permissions(spec.key, fs::perms::others_read, fs::perm_options::add);
    note("everybody may read the key");
    make();
    std::ofstream(spec.key) << "no key\n";
    note("the key is none");
    std::ofstream(spec.certificate) << "no certificate\n";
    note("the certificate is none");
    std::ofstream(spec.certificate) << std::string(1U << 20, 'x');
    note("the certificate is no such thing");
    make({"ec", "-pkeyopt", "ec_paramgen_curve:P-256"}, "");
    note("the key has a passphrase");
    make({"rsa:1024"});
    note("the key is weak");
    test::expect_golden("tests/golden/tls-file-problems.txt", golden);
}

} // namespace
} // namespace keel::units
