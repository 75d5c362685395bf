// Commands that people are told by: what an exec channel runs, from its start until nothing of it
// lives.
//
// Promises: it never blocks the loop; what is told stands in a file of its own in memory, which is
// the command's standard input, so that one that does not read it stops nobody; exit 0 is a
// success, any other end is none; one that takes longer than its time, or is not wanted any more,
// is killed with all that it started, and so is what it leaves running. Its end is told once that
// is done, so that the next one meets nothing of it.
// It refuses to know what is told and what follows from an end. What it runs has a name beside its
// unit's, `UNIT.notify-NUMBER`: a next engine that finds it ends it.
#pragma once
#include "base/owned_fd.hpp"
#include "core/process.hpp"
#include "ports/loop.hpp"
#include "ports/spawner.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace keel::notify {

struct Command {
    std::string unit; ///< that it is told about
    std::vector<std::string> argv;
    std::map<std::string, std::string> environment;
    std::string input;
    Duration timeout{0};
};

class Commands {
public:
    static constexpr std::size_t output_max = 256; ///< bytes of it that are told

    /// No trouble: it has done its work. Else what is wrong, for people.
    using Ended = std::function<void(const std::string& trouble)>;
    /// Destroying it ends the command without a word.
    class Handle {
    public:
        Handle(Commands& commands, SpawnId spawn) : commands_(commands), spawn_(spawn) {}
        ~Handle() { commands_.abandon(spawn_); }
        Handle(const Handle&) = delete;
        Handle& operator=(const Handle&) = delete;

    private:
        Commands& commands_;
        SpawnId spawn_;
    };

    /// `take_spawn_id` is called for each of them, just before it is spawned.
    Commands(ports::Loop& loop, ports::Spawner& spawner, std::function<SpawnId()> take_spawn_id);
    ~Commands();
    Commands(const Commands&) = delete;
    Commands& operator=(const Commands&) = delete;

    /// `ended` is called once, never from inside this; it may destroy the handle.
    [[nodiscard]] std::unique_ptr<Handle> start(const Command& command, Ended ended);

    // Ends of processes come by way of whoever owns the spawner's handlers.
    [[nodiscard]] bool claims(SpawnId spawn) const { return runs_.contains(spawn); }
    void on_exit(SpawnId spawn, const core::ExitStatus& status);
    void on_tree_empty(SpawnId spawn);

    /// `handler` is called once, later: when no process of any lives, or after `at_most`.
    void when_idle(Duration at_most, std::function<void()> handler);

private:
    struct Run {
        Ended ended; ///< empty: nobody wants to know any more
        Duration timeout{0};
        ports::Loop::Registration limit;
        OwnedFd pipe; ///< from its output
        ports::Loop::Registration watch;
        std::string output; ///< the beginning
        std::string trouble;
        bool exited = false;
        bool killing = false; ///< and nobody has said yet that nothing lives
    };

    [[nodiscard]] std::string spawn(SpawnId id, const Command& command, Run& run);
    void read_output(Run& run);
    void kill(SpawnId spawn, Run& run);
    void abandon(SpawnId spawn);
    void end(SpawnId spawn);
    void tell_idle();

    ports::Loop& loop_;
    ports::Spawner& spawner_;
    const std::function<SpawnId()> take_spawn_id_;
    std::map<SpawnId, Run> runs_;
    std::function<void()> on_idle_;
    ports::Loop::Registration idle_limit_;
};

} // namespace keel::notify
