// Exec probes on real programs. The spawner of these tests knows no keeper: it starts its children
// itself, in sessions of their own, and watches them by pidfd.
#include "base/owned_fd.hpp"
#include "tests/integration/probes/fixture.hpp"

#include <csignal>
#include <fcntl.h>
#include <map>
#include <set>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace keel::test {
namespace {

class SmallSpawner final : public ports::Spawner {
public:
    explicit SmallSpawner(ports::Loop& loop) : loop_(loop) {}

    std::variant<ports::ProcessIdentity, ports::SpawnFailure>
    spawn(SpawnId id, const ports::SpawnPlan& plan) override
    {
        plans.push_back(plan);
        std::vector<char*> words;
        for (const std::string& word : plan.argv)
            words.push_back(const_cast<char*>(word.c_str()));
        words.push_back(nullptr);
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, plan.output_fd, 1);
        posix_spawn_file_actions_adddup2(&actions, plan.output_fd, 2);
        pid_t pid = 0;
        const int error =
            ::posix_spawnp(&pid, words[0], &actions, &attributes, words.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
        if (error != 0) return ports::SpawnFailure{core::SetupStage::exec, error};
        Child& child = children[id];
        child.pid = pid;
        child.pidfd = OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        child.watch = loop_.watch_fd(child.pidfd.get(), ports::Interest::readable,
                                     [this, id](ports::FdEvents) { reap(id); });
        return ports::ProcessIdentity{pid, 1};
    }
    void set_resources(SpawnId, const units::ResourcesSpec&) override {}
    void take_for_main(SpawnId, pid_t) override {}
    void signal(SpawnId id, int number) override
    {
        if (children.contains(id) && children[id].watch) ::kill(children[id].pid, number);
    }
    void kill_tree(SpawnId id) override
    {
        ASSERT_TRUE(children.contains(id)) << "a tree is killed before its end is acknowledged";
        children[id].killing = true;
        killed.insert(id);
        ::kill(-children[id].pid, SIGKILL);
        if (!children[id].watch) tell_empty(id);
    }
    void acknowledge(SpawnId id) override { EXPECT_TRUE(acknowledged.insert(id).second); }
    void set_handlers(Handlers handlers) override { handlers_ = std::move(handlers); }
    std::vector<Survivor> survivors(const std::vector<Survivor>&) override { return {}; }

    struct Child {
        pid_t pid = 0;
        OwnedFd pidfd;
        bool killing = false;
        ports::Loop::Registration watch; ///< none once it has ended
    };
    std::map<SpawnId, Child> children;
    std::vector<ports::SpawnPlan> plans;
    std::set<SpawnId> killed, acknowledged, emptied;

private:
    void reap(SpawnId id)
    {
        Child& child = children[id];
        int status = 0;
        if (::waitpid(child.pid, &status, WNOHANG) != child.pid) return;
        child.watch.reset();
        const bool others = ::kill(-child.pid, 0) == 0;
        if (child.killing) tell_empty(id);
        handlers_.on_exit(id, core::exit_status_from_wait(status),
                          others ? core::TreeState::alive : core::TreeState::empty);
    }
    void tell_empty(SpawnId id)
    {
        loop_.defer([this, id] {
            emptied.insert(id);
            handlers_.on_tree_empty(id);
        });
    }

    ports::Loop& loop_;
    Handlers handlers_;
};

class ExecProbe : public testing::Test {
public:
    ~ExecProbe() override
    {
        for (const auto& [id, child] : spawner_.children)
            if (child.watch) {
                ::kill(-child.pid, SIGKILL);
                ::waitpid(child.pid, nullptr, 0);
            }
    }

protected:
    ExecProbe()
    {
        spawner_.set_handlers({
            [this](SpawnId spawn, core::ExitStatus status, core::TreeState tree) {
                ASSERT_TRUE(prober_.claims(spawn));
                prober_.on_exit(spawn, status, tree);
            },
            [this](SpawnId spawn) {
                ASSERT_TRUE(prober_.claims(spawn));
                prober_.on_tree_empty(spawn);
            },
        });
    }

    void begin(const std::vector<std::string>& command, Duration timeout)
    {
        ports::ProbeRequest request{ports::AttemptId{1}, units::ExecTarget{command}, timeout, {}};
        request.plan.unit = "api-server";
        request.plan.slot = 3;
        request.plan.argv = {"the unit's own command"};
        prober_.probe(request, [this](const ProbeAnswer& answer) {
            EXPECT_FALSE(answer_);
            answer_ = answer;
        });
        EXPECT_FALSE(answer_);
    }
    ProbeAnswer probe(const std::vector<std::string>& command, Duration timeout = 20s)
    {
        begin(command, timeout);
        EXPECT_TRUE(run_until(loop_, [&] { return answer_.has_value(); }));
        return *std::exchange(answer_, std::nullopt);
    }

    static constexpr SpawnId first{100};

    sys::UvLoop loop_;
    SmallSpawner spawner_{loop_};
    std::uint64_t next_spawn_ = number(first);
    probes::Prober prober_{loop_, spawner_, [this] { return SpawnId{next_spawn_++}; }};
    std::optional<ProbeAnswer> answer_;
};

TEST_F(ExecProbe, PassesAtExitZero)
{
    EXPECT_TRUE(is(probe({"true"}), Verdict::pass, VerdictKind::none, "exit 0 in "));
    EXPECT_TRUE(spawner_.acknowledged.contains(first));
    EXPECT_TRUE(run_until(loop_, [&] { return !prober_.claims(first); }));
    EXPECT_TRUE(spawner_.emptied.contains(first));
}

TEST_F(ExecProbe, FailsAtAnyOtherEnd)
{
    EXPECT_TRUE(is(probe({"sh", "-c", "echo no backbone; echo at all >&2; exit 3"}), Verdict::fail,
                   VerdictKind::exit, "exit 3 in "));
    const ProbeAnswer answer = probe({"sh", "-c", "echo no backbone; kill -SEGV $$"});
    EXPECT_TRUE(is(answer, Verdict::fail, VerdictKind::exit, "SIGSEGV"));
    EXPECT_TRUE(is(answer, Verdict::fail, VerdictKind::exit, ": no backbone"));
}

TEST_F(ExecProbe, RunsUnderANameOfItsOwnBesideTheInstance)
{
    (void)probe({"true"});
    ASSERT_EQ(1U, spawner_.plans.size());
    EXPECT_EQ("api-server.probe-100", spawner_.plans[0].unit);
    EXPECT_EQ(3, spawner_.plans[0].slot);
    EXPECT_EQ(std::vector<std::string>{"true"}, spawner_.plans[0].argv);
}

TEST_F(ExecProbe, KeepsTheBeginningOfMuchOutput)
{
    const ProbeAnswer answer = probe({"sh", "-c", "echo begin; head -c 1000000 /dev/zero; exit 1"});
    EXPECT_TRUE(is(answer, Verdict::fail, VerdictKind::exit, ": begin\\n"));
    EXPECT_LE(answer.detail.size(), 512U);
}

TEST_F(ExecProbe, KillsTheWholeTreeWhenTheTimeIsUp)
{
    EXPECT_TRUE(is(probe({"sh", "-c", "trap '' TERM; echo waiting; sleep 600 & sleep 600"}, 200ms),
                   Verdict::fail, VerdictKind::timeout, "still running after 200ms"));
    EXPECT_TRUE(prober_.claims(first));
    EXPECT_TRUE(run_until(loop_, [&] { return !prober_.claims(first); }));
    EXPECT_TRUE(spawner_.emptied.contains(first));
    EXPECT_TRUE(spawner_.acknowledged.contains(first));
}

TEST_F(ExecProbe, EndsWhatTheProgramLeftBehind)
{
    EXPECT_TRUE(is(probe({"sh", "-c", "sleep 600 & exit 0"}), Verdict::pass, VerdictKind::none));
    EXPECT_TRUE(run_until(loop_, [&] { return !prober_.claims(first); }));
    EXPECT_TRUE(spawner_.killed.contains(first));
}

TEST_F(ExecProbe, WaitsForTheProgramAndNotForItsOutput)
{
    EXPECT_TRUE(is(probe({"sh", "-c", "exec >&- 2>&-; exit 4"}), Verdict::fail, VerdictKind::exit,
                   "exit 4 in "));
}

TEST_F(ExecProbe, IsKilledWhenItIsCancelled)
{
    begin({"sleep", "600"}, 20s);
    prober_.cancel(ports::AttemptId{1});
    EXPECT_TRUE(run_until(loop_, [&] { return !prober_.claims(first); }));
    EXPECT_TRUE(spawner_.emptied.contains(first));
    EXPECT_FALSE(answer_);
}

TEST_F(ExecProbe, TellsWhenNoProcessOfItLives)
{
    bool idle = false;
    prober_.when_idle(20s, [&] { idle = true; });
    EXPECT_FALSE(idle);
    EXPECT_TRUE(run_until(loop_, [&] { return idle; }));

    begin({"sh", "-c", "sleep 600 & sleep 600"}, 20s);
    prober_.cancel(ports::AttemptId{1});
    idle = false;
    prober_.when_idle(20s, [&] { idle = true; });
    EXPECT_TRUE(run_until(loop_, [&] { return idle; }));
    EXPECT_TRUE(spawner_.emptied.contains(first));
}

TEST_F(ExecProbe, IsUnknownWhenItCannotBeSpawned)
{
    EXPECT_TRUE(is(probe({"/no/such/program"}), Verdict::unknown, VerdictKind::internal,
                   "exec: No such file"));
    EXPECT_FALSE(prober_.claims(first));
    EXPECT_TRUE(spawner_.acknowledged.empty());
}

} // namespace
} // namespace keel::test
