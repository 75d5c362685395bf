// Files of secrets: what of them is taken, and what is said of what is not.
#include "tests/support/golden.hpp"
#include "tests/support/temp_dir.hpp"
#include "units/daemon_file.hpp"
#include "units/host_check.hpp"
#include "units/token_file.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>

namespace keel::units {
namespace {

using testing::IsEmpty;
namespace fs = std::filesystem;

struct TokenFile : testing::Test {
    test::TempDir folder;

    std::string write(const std::string& text, fs::perms mode)
    {
        const std::string path = folder / "token";
        std::ofstream(path) << text;
        fs::permissions(path, mode);
        return path;
    }
};

constexpr auto ours = fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read;

TEST_F(TokenFile, GivesItsOneWord)
{
    const auto token = read_token(write("\n 0123456789abcdef01234567 \n", ours));
    ASSERT_TRUE(std::holds_alternative<std::string>(token));
    EXPECT_EQ(std::get<std::string>(token), "0123456789abcdef01234567");
}

TEST_F(TokenFile, TellsItsProblemsAsCommitted)
{
    const std::string good(token_length_min, 'x');
    const std::vector<std::pair<std::string, fs::perms>> files = {
        {good, ours},
        {good, ours | fs::perms::others_read},
        {good.substr(1), ours},
        {"", ours},
        {good + "\n" + good, ours},
        {good + "\x01", ours},
    };
    std::string golden;
    for (const auto& [text, mode] : files) {
        const std::string path = write(text, mode);
        const auto daemon =
            load_daemon(fmt::format("[http]\ntoken_file = \"{}\"\n", path), "keel.toml");
        EXPECT_THAT(daemon.problems, IsEmpty());
        golden += fmt::format("a file of {} bytes, mode {:o}\n", text.size(),
                              static_cast<unsigned>(mode));
        for (const Problem& problem : check_host(daemon)) {
            std::string line = to_text(problem);
            for (auto at = line.find(path); at != std::string::npos; at = line.find(path))
                line.replace(at, path.size(), "FILE");
            EXPECT_EQ(line.find("xxxx"), std::string::npos) << "the token is told";
            golden += "    " + line + "\n";
        }
    }
    test::expect_golden("tests/golden/token-file-problems.txt", golden);
}

TEST_F(TokenFile, OfAChannelTellsItsProblemsAsCommitted)
{
    const auto shared = ours | fs::perms::others_read;
    const std::vector<std::tuple<std::string, std::string, fs::perms>> files = {
        {"token_file", "s3cret\n", ours},
        {"token_file", "s3cret", shared},
        {"token_file", "two words", ours},
        {"token_file", "", ours},
        {"target_file", "https://hooks.example.com/T0/s3cret\n", ours},
        {"target_file", "https://hooks.example.com/T0/s3cret", shared},
        {"target_file", "hooks.example.com/s3cret", ours},
    };
    std::string golden;
    for (const auto& [key, text, mode] : files) {
        const std::string path = write(text, mode);
        const std::string target = key == "target_file" ? "" : "target = \"http://a/\"\n";
        const auto daemon = load_daemon(
            fmt::format("[channel.ops]\nkind = \"webhook\"\n{} = \"{}\"\n{}", key, path, target),
            "keel.toml");
        EXPECT_THAT(daemon.problems, IsEmpty());
        golden += fmt::format("{} with {} bytes, mode {:o}\n", key, text.size(),
                              static_cast<unsigned>(mode));
        for (const Problem& problem : check_host(daemon)) {
            std::string line = to_text(problem);
            for (auto at = line.find(path); at != std::string::npos; at = line.find(path))
                line.replace(at, path.size(), "FILE");
            EXPECT_EQ(line.find("s3cret"), std::string::npos) << "the secret is told";
            golden += "    " + line + "\n";
        }
    }
    test::expect_golden("tests/golden/channel-file-problems.txt", golden);
}

TEST_F(TokenFile, ThatIsNotThereIsAProblem)
{
    const auto daemon = load_daemon("[http]\ntoken_file = \"/nowhere\"\n", "keel.toml");
    const auto problems = check_host(daemon);
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(to_text(problems[0]),
              "keel.toml:2:14: http.token_file: /nowhere: cannot be opened: No such file or "
              "directory (its folder and its mode must let keeld read it)");
}

} // namespace
} // namespace keel::units
