#include "probes/exec_attempt.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <utility>

namespace keel::probes {

using core::ExitStatus;
using core::VerdictKind;

// ---- the attempt --------------------------------------------------------------------------------

ExecAttempt::ExecAttempt(ports::Loop& loop, ExecProber& prober, ports::SpawnPlan plan,
                         Duration timeout, Finished finished)
    : Attempt(loop, timeout, std::move(finished)), prober_(prober), plan_(std::move(plan))
{}

void ExecAttempt::begin()
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return unknown(VerdictKind::internal, Error::from_errno("pipe").text());
    pipe_ = OwnedFd(ends[0]);
    const OwnedFd theirs(ends[1]);
    ::fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);

    spawn_ = prober_.take_number();
    plan_.unit += fmt::format(".probe-{}", number(spawn_));
    plan_.output_fd = theirs.get();
    if (const auto failure = prober_.spawn(spawn_, plan_, this)) {
        const char* known = ::strerrordesc_np(failure->errno_value);
        const std::string why = !failure->what.empty() ? failure->what
                                : known != nullptr     ? known
                                                       : "failed";
        return unknown(VerdictKind::internal, fmt::format("{}: {}", name(failure->stage), why));
    }
    runs_ = true;
    watch_ = loop_.watch_fd(pipe_.get(), ports::Interest::readable,
                            [this](ports::FdEvents) { read_output(); });
}

/// All is read, so that the program never waits for a reader; the beginning is kept.
void ExecAttempt::read_output()
{
    std::array<char, 16 << 10> buffer;
    const ssize_t count = ::read(pipe_.get(), buffer.data(), buffer.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return watch_.reset(); // closed by the program, which may go on
    output_.append(buffer.data(),
                   std::min(static_cast<std::size_t>(count), output_max - output_.size()));
}

void ExecAttempt::on_exit(const ExitStatus& status)
{
    runs_ = false;
    if (watch_) read_output(); // one piece holds all that counts
    const std::string text =
        with_output(fmt::format("{} in {}", to_text(status), to_human(elapsed())));
    if (status.kind == ExitStatus::Kind::unknown) return unknown(VerdictKind::internal, text);
    if (status.kind == ExitStatus::Kind::code && status.number == 0) return pass(text);
    fail(VerdictKind::exit, text);
}

void ExecAttempt::on_timeout()
{
    fail(VerdictKind::timeout, with_output("still running after " + limit()));
}

void ExecAttempt::close()
{
    watch_.reset();
    pipe_.reset();
    if (std::exchange(runs_, false)) prober_.abandon(spawn_);
}

std::string ExecAttempt::with_output(std::string text) const
{
    std::string_view shown = output_;
    while (!shown.empty() && (shown.back() == '\n' || shown.back() == '\r'))
        shown.remove_suffix(1);
    if (!shown.empty()) text.append(": ").append(shown);
    return text;
}

// ---- the processes ------------------------------------------------------------------------------

ExecProber::ExecProber(ports::Loop& loop, ports::Spawner& spawner,
                       std::function<SpawnId()> take_spawn_id)
    : loop_(loop), spawner_(spawner), take_spawn_id_(std::move(take_spawn_id))
{}

ExecProber::~ExecProber()
{
    // Nobody is left to search their trees; the next engine ends what it finds of them.
    for (const auto& [spawn, child] : children_)
        if (!child.exited) spawner_.signal(spawn, SIGKILL);
}

std::unique_ptr<ExecAttempt> ExecProber::make(ports::SpawnPlan plan, Duration timeout,
                                              Attempt::Finished finished)
{
    return std::make_unique<ExecAttempt>(loop_, *this, std::move(plan), timeout,
                                         std::move(finished));
}

std::optional<ports::SpawnFailure> ExecProber::spawn(SpawnId id, const ports::SpawnPlan& plan,
                                                     ExecAttempt* attempt)
{
    const auto outcome = spawner_.spawn(id, plan);
    if (const auto* failure = std::get_if<ports::SpawnFailure>(&outcome)) return *failure;
    children_[id].attempt = attempt;
    return std::nullopt;
}

void ExecProber::abandon(SpawnId spawn)
{
    const auto found = children_.find(spawn);
    if (found == children_.end() || found->second.exited) return;
    found->second.attempt = nullptr;
    found->second.killing = true;
    spawner_.signal(spawn, SIGKILL); // at once; finding its whole tree may take a moment
    spawner_.kill_tree(spawn);
}

void ExecProber::on_exit(SpawnId spawn, const ExitStatus& status)
{
    Child& child = children_.at(spawn);
    child.exited = true;
    // Also where none is known to live: that is not exact, and it is what removes its cgroup.
    if (!child.killing) spawner_.kill_tree(spawn);
    child.killing = true;
    spawner_.acknowledge(spawn);
    if (ExecAttempt* attempt = std::exchange(child.attempt, nullptr)) attempt->on_exit(status);
}

void ExecProber::on_tree_empty(SpawnId spawn)
{
    const auto found = children_.find(spawn);
    if (found == children_.end()) return;
    found->second.killing = false;
    if (found->second.exited) children_.erase(found);
    if (children_.empty()) tell_idle();
}

void ExecProber::when_idle(Duration at_most, std::function<void()> handler)
{
    on_idle_ = std::move(handler);
    idle_limit_ =
        loop_.after(children_.empty() ? Duration::zero() : at_most, [this] { tell_idle(); });
}

void ExecProber::tell_idle()
{
    idle_limit_.reset();
    if (const auto handler = std::exchange(on_idle_, nullptr)) handler();
}

} // namespace keel::probes
