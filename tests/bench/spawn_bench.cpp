// What a spawn costs, from the call to the report of its end through the real keeper, beside a bare
// loop of vfork, exec and wait; and what the keeper's memory is with many children.
//
// The program starts keeld in a temporary directory with itself as the engine.
#include "sys/child_setup.hpp"
#include "sys/clock.hpp"
#include "sys/keeper_client.hpp"
#include "sys/loop.hpp"
#include "sys/spawner.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace keel;
namespace fs = std::filesystem;

constexpr int rounds = 2000;

struct Times {
    std::vector<double> us;
    void add(Duration time)
    {
        us.push_back(std::chrono::duration<double, std::micro>(time).count());
    }
    std::string text()
    {
        std::sort(us.begin(), us.end());
        const auto at = [this](double share) {
            return us[static_cast<std::size_t>(share * static_cast<double>(us.size() - 1))];
        };
        return fmt::format("{:8.0f} {:8.0f} {:8.0f}", at(0.5), at(0.99), at(1.0));
    }
};

/// Megabytes of its proportional share of memory.
std::string pss_of(pid_t pid)
{
    std::FILE* file = std::fopen(fmt::format("/proc/{}/smaps_rollup", pid).c_str(), "re");
    char line[256];
    long kib = -1;
    while (file != nullptr && std::fgets(line, sizeof line, file) != nullptr)
        if (std::strncmp(line, "Pss:", 4) == 0) kib = std::strtol(line + 4, nullptr, 10);
    if (file != nullptr) std::fclose(file);
    return fmt::format("{} KiB", kib);
}

class Engine {
public:
    Engine() : keeper_(loop_), spawner_(loop_, keeper_, {"bench", nullptr})
    {
        spawner_.set_handlers({[this](SpawnId id, core::ExitStatus, core::TreeState) {
                                   ++ends_;
                                   spawner_.acknowledge(id);
                               },
                               nullptr});
        keeper_.set_orders({nullptr, nullptr, nullptr, [] { std::_Exit(0); }, nullptr});
        (void)spawner_.survivors({});
    }

    void run()
    {
        fmt::print("{} spawns each, in us{:>30} {:>8} {:>8}\n", rounds, "median", "99 %", "max");
        measure_floor("vfork, exec, wait");
        measure("Keel");
        std::vector<int> descriptors;
        for (int i = 0; i < 5000; ++i)
            descriptors.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        measure_floor("vfork, exec, wait, 5000 fds");
        measure("Keel, 5000 fds");
        for (const int fd : descriptors)
            ::close(fd);
        constexpr std::size_t ballast = 200U << 20;
        void* memory =
            ::mmap(nullptr, ballast, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        std::memset(memory, 1, ballast);
        measure("Keel, 200 MiB resident");
        ::munmap(memory, ballast);
        fmt::print("\nkeeper's PSS with no child: {}\n", pss_of(::getppid()));
        for (const int count : {500, 5000})
            measure_memory(count);
        keeper_.exit(0);
    }

private:
    static pid_t launch(const char* program)
    {
        const pid_t pid = ::vfork();
        if (pid != 0) return pid;
        ::execl(program, "stamp", nullptr);
        ::_exit(127);
    }

    void measure_floor(const char* what)
    {
        Times call, whole;
        const std::string program = std::string(KEEL_BIN_DIR) + "/stamp";
        for (int i = 0; i < rounds; ++i) {
            const MonoTime begin = sys::read_mono();
            const pid_t pid = launch(program.c_str());
            call.add(sys::read_mono() - begin);
            ::waitpid(pid, nullptr, 0);
            whole.add(sys::read_mono() - begin);
        }
        print(what, call, whole);
    }

    void measure(const char* what)
    {
        Times call, whole;
        for (int i = 0; i < rounds; ++i) {
            const MonoTime begin = sys::read_mono();
            const std::size_t before = ends_;
            spawn({});
            call.add(sys::read_mono() - begin);
            while (ends_ == before)
                loop_.run_turn();
            whole.add(sys::read_mono() - begin);
        }
        print(what, call, whole);
    }

    static void print(const char* what, Times& call, Times& whole)
    {
        fmt::print("{:30} call {}\n{:30} ..end{}\n", what, call.text(), "", whole.text());
        (void)std::fflush(stdout);
    }

    SpawnId spawn(const std::string& argument)
    {
        ports::SpawnPlan plan;
        plan.unit = "bench";
        plan.argv = {std::string(KEEL_BIN_DIR) + "/stamp"};
        if (!argument.empty()) plan.argv.push_back(argument);
        const SpawnId id{++last_};
        const auto outcome = spawner_.spawn(id, plan);
        if (const auto* failure = std::get_if<ports::SpawnFailure>(&outcome)) {
            fmt::print("spawn failed: {}: {}\n", name(failure->stage), failure->errno_value);
            std::_Exit(1);
        }
        return id;
    }

    void measure_memory(int count)
    {
        std::vector<SpawnId> ids;
        const MonoTime begin = sys::read_mono();
        for (int i = 0; i < count; ++i)
            ids.push_back(spawn("/dev/null"));
        const double started = seconds(sys::read_mono() - begin);
        const std::size_t target = ends_ + static_cast<std::size_t>(count);
        fmt::print("{} children: started in {:.2f} s, keeper's PSS {}", count, started,
                   pss_of(::getppid()));
        const MonoTime killed = sys::read_mono();
        for (const SpawnId id : ids)
            spawner_.signal(id, SIGKILL);
        while (ends_ < target)
            loop_.run_turn();
        fmt::print(", all killed and told in {:.2f} s\n", seconds(sys::read_mono() - killed));
        (void)std::fflush(stdout);
    }

    sys::UvLoop loop_;
    sys::KeeperClient keeper_;
    sys::Spawner spawner_;
    std::uint64_t last_ = 0;
    std::size_t ends_ = 0;
};

int run_keeper()
{
    char directory[] = "/tmp/keel-bench-XXXXXX";
    const fs::path root = ::mkdtemp(directory);
    fs::copy_file(std::string(KEEL_BIN_DIR) + "/keeld", root / "keeld");
    fs::create_symlink(fs::read_symlink("/proc/self/exe"), root / "keel-engine");
    const std::string keeper = root / "keeld";
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::execl(keeper.c_str(), "keeld", "--root", root.c_str(), nullptr);
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    fs::remove_all(root);
    return WEXITSTATUS(status);
}

} // namespace

int main(int count, char** words)
{
    if (count < 2 || std::strcmp(words[1], "--root") != 0) return run_keeper();
    if (const auto claimed = sys::claim_descriptors(); !claimed) return 2;
    Engine().run();
    return 0;
}
