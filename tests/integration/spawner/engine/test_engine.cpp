// An engine without a mind of its own: KeeperClient and Spawner, driven line by line by a test.
//
// It connects to `ROOT/test.sock`, says who it is, does what each line says, and answers with one
// line for each thing that happens. Words are separated by blanks.
//
//   adopt [ID:PID:TICKS…]     survivor ID PID TICKS UNIT SLOT … then `adopted`
//   spawn ID OUTPUT WORD…     spawned ID PID TICKS | failed ID STAGE ERRNO WHAT
//                             (OUTPUT: path or -)
//   storm FIRST COUNT WORD…   spawns until killed, no answers; `storming` first
//   use MEMORY                memory_max of the spawns that follow
//   show FD                   their readiness at this descriptor; `ready` is told of a newline
//   in DIR | as UID GID… | stand NICE OOM UMASK PROCESSOR | limit RESOURCE SOFT HARD
//                             for the spawns that follow; UMASK is octal, RESOURCE as in [limits]
//   signal ID N, kill ID, ack ID, beat, ready, status TEXT, stopping, hold KEY PATH, drop KEY,
//   exit CODE, end
//   events: exit ID TEXT TREE · empty ID · shutdown · apply · leave · refused KEY
#include "base/owned_fd.hpp"
#include "sys/child_setup.hpp"
#include "sys/keeper_client.hpp"
#include "sys/loop.hpp"
#include "sys/run_dir.hpp"
#include "sys/spawner.hpp"

#include <array>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

using namespace keel;
using Words = std::vector<std::string>;

class TestEngine {
public:
    explicit TestEngine(std::string root)
        : root_(std::move(root)), keeper_(loop_), spawner_(loop_, keeper_, options())
    {
        auto claimed = sys::RunDir::claim(root_ + "/run/keel", keeper_);
        if (!claimed) {
            fmt::print(stderr, "{}\n", claimed.error().text());
            keeper_.exit(1);
            std::_Exit(1);
        }
        run_dir_.emplace(std::move(*claimed));
        keeper_.set_orders({[this] { say("shutdown"); }, [this] { say("apply"); },
                            [this] { say("leave"); }, [this] { loop_.stop(); },
                            [this](std::uint64_t key) { say("refused {}", key); }});
        spawner_.set_handlers({[this](SpawnId id, core::ExitStatus status, core::TreeState tree) {
                                   say("exit {} {} {}", number(id), underscored(to_text(status)),
                                       tree == core::TreeState::empty ? "empty" : "alive");
                               },
                               [this](SpawnId id) { say("empty {}", number(id)); }});
        connect();
    }

    void run()
    {
        say("engine {}{}{}", ::getpid(), run_dir_->after_crash() ? " --after-crash" : "",
            run_dir_->after_failed_starts() ? " --state-aside" : "");
        loop_.run();
    }

private:
    sys::SpawnerOptions options()
    {
        sys::SpawnerOptions options;
        options.run_dir = root_ + "/run/keel";
        options.heed_environment();
        if (const auto base = sys::find_cgroup_base(::getppid())) {
            auto cgroups = sys::CgroupTree::open(loop_, *base);
            if (!cgroups) fmt::print(stderr, "{}\n", cgroups.error().text());
            if (cgroups) options.cgroups = std::move(*cgroups);
        }
        return options;
    }

    static std::string underscored(std::string text)
    {
        for (char& c : text)
            if (c == ' ') c = '_';
        return text;
    }

    template <class... Parts>
    void say(fmt::format_string<const Parts&...> format, const Parts&... parts)
    {
        const std::string line = fmt::format(format, parts...) + "\n";
        while (::send(socket_, line.data(), line.size(), MSG_NOSIGNAL) < 0) {
            pollfd full{socket_, POLLOUT, 0}; // lines are short: they go whole or not at all
            if (errno != EAGAIN || ::poll(&full, 1, 30'000) != 1) std::_Exit(3);
        }
    }

    void connect()
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, (root_ + "/test.sock").c_str(), sizeof address.sun_path - 1);
        socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            std::_Exit(3);
        watch_ = loop_.watch_fd(socket_, ports::Interest::readable, [this](auto) { read(); });
    }

    void read()
    {
        char part[65536];
        const ssize_t size = ::recv(socket_, part, sizeof part, MSG_DONTWAIT);
        if (size == 0) loop_.stop();
        if (size > 0) input_.append(part, static_cast<std::size_t>(size));
        for (std::size_t end = 0; (end = input_.find('\n')) != std::string::npos;) {
            std::istringstream line(input_.substr(0, end));
            input_.erase(0, end + 1);
            Words words;
            for (std::string word; line >> word;)
                words.push_back(word);
            obey(words);
        }
    }

    ports::SpawnPlan plan(const Words& words, std::size_t first) const
    {
        ports::SpawnPlan plan = base_;
        plan.unit = "unit";
        plan.argv.assign(words.begin() + static_cast<std::ptrdiff_t>(first), words.end());
        plan.environment["GREETING"] = "hello";
        return plan;
    }

    void adopt(const Words& words)
    {
        std::vector<ports::Spawner::Survivor> journaled;
        for (std::size_t i = 1; i < words.size(); ++i) {
            ports::Spawner::Survivor one;
            std::uint64_t id = 0;
            char colon = 0;
            std::istringstream entry(words[i]);
            entry >> id >> colon >> one.process.pid >> colon >> one.process.start_ticks;
            if (!entry) std::_Exit(4);
            one.id = SpawnId{id};
            one.unit = "unit";
            journaled.push_back(one);
        }
        for (const auto& one : spawner_.survivors(journaled)) {
            say("survivor {} {} {} {} {}", number(one.id), one.process.pid, one.process.start_ticks,
                one.unit, one.slot);
        }
        say("adopted");
    }

    void spawn(const Words& words)
    {
        const SpawnId id{std::stoull(words[1])};
        auto wanted = plan(words, 3);
        wanted.slot = static_cast<Slot>(number(id));
        if (words[2] != "-") {
            ::mkfifo(words[2].c_str(), 0600);
            wanted.output_fd = ::open(words[2].c_str(), O_RDWR | O_CLOEXEC);
        }
        const auto outcome = spawner_.spawn(id, wanted);
        if (wanted.output_fd >= 0) ::close(wanted.output_fd);
        if (const auto* process = std::get_if<ports::ProcessIdentity>(&outcome))
            return say("spawned {} {} {}", number(id), process->pid, process->start_ticks);
        const auto& failure = std::get<ports::SpawnFailure>(outcome);
        say("failed {} {} {} {}", number(id), name(failure.stage), failure.errno_value,
            underscored(failure.what));
    }

    void storm(const Words& words)
    {
        const auto wanted = plan(words, 3);
        const std::uint64_t first = std::stoull(words[1]), count = std::stoull(words[2]);
        say("storming");
        for (std::uint64_t id = first; id < first + count; ++id)
            (void)spawner_.spawn(SpawnId{id}, wanted);
        say("stormed");
    }

    void take_credentials(const Words& words)
    {
        base_.credentials = ports::Credentials{};
        base_.credentials->uid = static_cast<uid_t>(std::stoul(words[1]));
        base_.credentials->gid = static_cast<gid_t>(std::stoul(words[2]));
        for (std::size_t i = 3; i < words.size(); ++i)
            base_.credentials->groups.push_back(static_cast<gid_t>(std::stoul(words[i])));
    }

    void take_standing(const Words& words)
    {
        base_.scheduling = {std::stoi(words[1]),
                            std::stoi(words[2]),
                            {static_cast<std::uint16_t>(std::stoi(words[4]))}};
        base_.umask = static_cast<std::uint32_t>(std::stoul(words[3], nullptr, 8));
    }

    void show_ready_at(int fd)
    {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::_Exit(4);
        base_.ready_fd = fd;
        base_.ready_pipe = ends[1];
        shown_ = loop_.watch_fd(ends[0], ports::Interest::readable, [this, end = ends[0]](auto) {
            char byte = 0;
            (void)!::read(end, &byte, 1);
            if (byte == '\n') say("ready");
        });
    }

    /// What is for the spawns that follow.
    void plan_ahead(const Words& words)
    {
        const std::string& verb = words[0];
        if (verb == "in") base_.directory = words[1];
        if (verb == "as") take_credentials(words);
        if (verb == "stand") take_standing(words);
        if (verb == "input")
            base_.input_fd = words[1] == "-" ? -1 : ::open(words[1].c_str(), O_RDONLY | O_CLOEXEC);
        if (verb == "show") show_ready_at(std::stoi(words[1]));
        if (verb == "use") base_.resources.memory_max = std::stoull(words[1]);
        if (verb == "limit")
            base_.limits[*from_name<units::Resource>(words[1])] = {std::stoull(words[2]),
                                                                   std::stoull(words[3])};
    }

    void obey(const Words& words)
    {
        const std::string& verb = words[0];
        const std::string argument = words.size() > 1 ? words[1] : "";
        const auto id = [&] { return SpawnId{std::stoull(argument)}; };
        if (verb == "adopt") return adopt(words);
        if (verb == "spawn") return spawn(words);
        if (verb == "storm") return storm(words);
        plan_ahead(words);
        if (verb == "signal") spawner_.signal(id(), std::stoi(words[2]));
        if (verb == "kill") spawner_.kill_tree(id());
        if (verb == "ack") spawner_.acknowledge(id());
        if (verb == "beat") keeper_.heartbeat();
        if (verb == "ready") {
            run_dir_->note_ready();
            keeper_.ready();
        }
        if (verb == "status") keeper_.status(argument);
        if (verb == "stopping") keeper_.stopping();
        if (verb == "hold") {
            const OwnedFd fd(::open(words[2].c_str(), O_RDWR | O_CLOEXEC));
            keeper_.hold(std::stoull(argument), fd.get());
        }
        if (verb == "drop") keeper_.drop(std::stoull(argument));
        if (verb == "exit") {
            spawner_.release_cgroups();
            keeper_.exit(std::stoi(argument));
            run_dir_->leave();
        }
        if (verb == "exit" || verb == "end") loop_.stop();
    }

    sys::UvLoop loop_;
    const std::string root_;
    sys::KeeperClient keeper_;
    std::optional<sys::RunDir> run_dir_;
    sys::Spawner spawner_;
    ports::SpawnPlan base_;
    int socket_ = -1;
    std::string input_;
    ports::Loop::Registration watch_;
    ports::Loop::Registration shown_;
};

} // namespace

int main(int count, char** words)
{
    if (const auto claimed = keel::sys::claim_descriptors(); !claimed) {
        fmt::print(stderr, "test engine: {}\n", claimed.error().text());
        return 2;
    }
    if (count != 3 || std::strcmp(words[1], "--root") != 0) return 2;
    TestEngine(words[2]).run();
}
