// A host in miniature: a temporary root, the real keeper, and one engine at a time that this test
// drives through a socket (engine/test_engine.cpp has the language).
//
// Leaving it ends everything: this process makes itself the reaper of orphans, so whatever keeper
// and engine leave behind becomes its child, is killed and reaped.
#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace keel::test {

using Words = std::vector<std::string>;

/// One connected engine. Lines come in order; each is taken once.
class EngineLink {
public:
    explicit EngineLink(int fd) : fd_(fd) {}
    EngineLink(EngineLink&& other) noexcept;
    ~EngineLink();

    void tell(const std::string& line);
    /// The next line, as words; none when the engine is gone. Throws after 30 s of silence.
    std::optional<Words> next();
    /// Takes lines until one begins with these words; the others are kept for later calls.
    Words await(const std::string& beginning);
    /// All lines until the engine is gone.
    std::vector<Words> rest();

    pid_t pid = 0;
    std::vector<std::string> flags; ///< --after-crash, --state-aside

private:
    bool fill();
    int fd_;
    std::string input_;
    std::vector<Words> skipped_;
};

class Host {
public:
    /// `keeper`: the program's name in bin/. The environment is added to this process's own.
    explicit Host(const std::string& keeper = "keeld",
                  std::map<std::string, std::string> environment = {});
    ~Host();
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    void start_keeper();
    /// The next engine that says hello.
    EngineLink engine();
    void signal_keeper(int number) const;
    void kill_keeper(); ///< SIGKILL and reap
    int await_keeper(); ///< its wait status
    /// Runs another keeper on this root to its end; its exit code and what it said.
    std::pair<int, std::string> run_keeper(const Words& arguments) const;

    /// The same with the real engine, which reads the command line.
    std::pair<int, std::string> run_daemon(const Words& arguments) const;

    [[nodiscard]] std::string path(const std::string& name) const { return root_ + "/" + name; }
    [[nodiscard]] std::string puppet() const;
    [[nodiscard]] std::string log() const; ///< what keeper and engine said on stderr
    [[nodiscard]] pid_t keeper() const { return keeper_; }
    std::map<std::string, std::string> environment;

private:
    std::pair<int, std::string> run(const Words& words) const;

    std::string root_;
    pid_t keeper_ = -1;
    int listener_ = -1;
};

/// The content once the file is there (puppet renames it into place).
std::string await_file(const std::string& path);
pid_t await_pid(const std::string& path);
/// Waits until the process is dead or a zombie.
void await_death(pid_t pid);
[[nodiscard]] bool is_alive(pid_t pid);

} // namespace keel::test
