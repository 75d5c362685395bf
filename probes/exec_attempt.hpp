// Exec probes: a program that ends with exit 0 passes, any other end fails.
//
// An ExecProber keeps the processes, an ExecAttempt one verdict. They have lives of their own: what
// must be killed, because its time is up or nobody wants its verdict, is looked after until no
// process of it lives, while its attempt is long gone. What a probe leaves running behind it is
// ended too. A probe's spawn has a name of its own beside its instance's, `UNIT.probe-NUMBER`, and
// so a cgroup of its own: killing it must not kill the unit.
#pragma once
#include "base/owned_fd.hpp"
#include "core/process.hpp"
#include "ports/spawner.hpp"
#include "probes/attempt.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace keel::probes {

class ExecProber;

class ExecAttempt final : public Attempt {
public:
    static constexpr std::size_t output_max = 512;

    ExecAttempt(ports::Loop& loop, ExecProber& prober, ports::SpawnPlan plan, Duration timeout,
                Finished finished);
    ~ExecAttempt() override { close(); }

    /// The program has ended.
    void on_exit(const core::ExitStatus& status);

private:
    void begin() override;
    void on_timeout() override;
    void close() override;
    void read_output();
    [[nodiscard]] std::string with_output(std::string text) const;

    ExecProber& prober_;
    ports::SpawnPlan plan_;
    SpawnId spawn_{};
    bool runs_ = false;
    std::string output_;
    OwnedFd pipe_;
    ports::Loop::Registration watch_;
};

class ExecProber {
public:
    ExecProber(ports::Loop& loop, ports::Spawner& spawner, std::function<SpawnId()> take_spawn_id);
    ~ExecProber();
    ExecProber(const ExecProber&) = delete;
    ExecProber& operator=(const ExecProber&) = delete;

    [[nodiscard]] std::unique_ptr<ExecAttempt> make(ports::SpawnPlan plan, Duration timeout,
                                                    Attempt::Finished finished);

    /// Whether the spawn is a probe's; so until its end and that of its tree have been dealt with.
    [[nodiscard]] bool claims(SpawnId spawn) const { return children_.contains(spawn); }
    void on_exit(SpawnId spawn, const core::ExitStatus& status);
    void on_tree_empty(SpawnId spawn);

    /// `handler` is called once, later: when no spawn is claimed any more, or after `at_most`.
    void when_idle(Duration at_most, std::function<void()> handler);

private:
    friend class ExecAttempt;
    struct Child {
        ExecAttempt* attempt = nullptr; ///< null: nobody wants the verdict any more
        bool exited = false;
        bool killing = false;
    };

    [[nodiscard]] SpawnId take_number() { return take_spawn_id_(); }
    [[nodiscard]] std::optional<ports::SpawnFailure> spawn(SpawnId id, const ports::SpawnPlan& plan,
                                                           ExecAttempt* attempt);
    void abandon(SpawnId spawn);
    void tell_idle();

    ports::Loop& loop_;
    ports::Spawner& spawner_;
    const std::function<SpawnId()> take_spawn_id_;
    std::map<SpawnId, Child> children_;
    std::function<void()> on_idle_;
    ports::Loop::Registration idle_limit_;
};

} // namespace keel::probes
