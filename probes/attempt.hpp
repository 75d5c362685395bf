// One probe attempt under way, whatever its kind: its deadline, and that it finishes once.
//
// A kind of probe derives from it, opens what it needs in its constructor or in begin(), and calls
// pass(), fail() or unknown() when it knows. Destroying an attempt closes everything at once.
#pragma once
#include "core/verdict.hpp"
#include "ports/loop.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace keel::probes {

class Attempt {
public:
    /// Called once. It may come from inside begin(), and must not destroy the attempt.
    using Finished = std::function<void(core::ProbeAnswer)>;

    Attempt(ports::Loop& loop, Duration timeout, Finished finished);
    virtual ~Attempt() = default;
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    /// Arms the deadline and sets to work.
    void start();

protected:
    virtual void begin() = 0;
    /// The time is up, and this side was not to blame.
    virtual void on_timeout() = 0;
    /// Closes everything: the verdict is known.
    virtual void close() = 0;

    void pass(std::string_view detail) { finish(core::Verdict::pass, {}, detail); }
    void fail(core::VerdictKind kind, std::string_view detail)
    {
        finish(core::Verdict::fail, kind, detail);
    }
    void unknown(core::VerdictKind kind, std::string_view detail)
    {
        finish(core::Verdict::unknown, kind, detail);
    }

    [[nodiscard]] bool is_finished() const { return !finished_; }
    [[nodiscard]] Duration elapsed() const { return loop_.precise() - started_; }
    [[nodiscard]] Duration remaining() const { return started_ + timeout_ - loop_.now().mono; }
    /// `2s`: the timeout as the unit file has it.
    [[nodiscard]] std::string limit() const;

    ports::Loop& loop_;

private:
    void finish(core::Verdict verdict, core::VerdictKind kind, std::string_view detail);
    void on_deadline();

    const Duration timeout_;
    MonoTime started_;
    Finished finished_;
    ports::Loop::Registration deadline_;
};

} // namespace keel::probes
