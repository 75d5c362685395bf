#include "notify/commands.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace keel::notify {
namespace {

/// A file that is nowhere, read from its beginning.
Result<OwnedFd> file_with(std::string_view text)
{
    OwnedFd file(::memfd_create("keel-notification", MFD_CLOEXEC));
    if (!file) return Error::from_errno("memfd_create");
    while (!text.empty()) {
        const ssize_t count = ::write(file.get(), text.data(), text.size());
        if (count < 0) return Error::from_errno("write");
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return Error::from_errno("lseek");
    return file;
}

std::string in_words(const ports::SpawnFailure& failure)
{
    const char* known = ::strerrordesc_np(failure.errno_value);
    const std::string why = !failure.what.empty() ? failure.what
                            : known != nullptr    ? known
                                                  : "failed";
    return fmt::format("{}: {}", name(failure.stage), why);
}

} // namespace

Commands::Commands(ports::Loop& loop, ports::Spawner& spawner,
                   std::function<SpawnId()> take_spawn_id)
    : loop_(loop), spawner_(spawner), take_spawn_id_(std::move(take_spawn_id))
{}

Commands::~Commands()
{
    // Nobody is left to search their trees; the next engine ends what it finds of them.
    for (const auto& [spawn, run] : runs_)
        if (!run.exited) spawner_.signal(spawn, SIGKILL);
}

std::unique_ptr<Commands::Handle> Commands::start(const Command& command, Ended ended)
{
    const SpawnId id = take_spawn_id_();
    Run& run = runs_[id];
    run.ended = std::move(ended);
    run.timeout = command.timeout;
    run.trouble = spawn(id, command, run);
    const bool runs = run.trouble.empty();
    run.exited = !runs;
    run.limit = loop_.after(runs ? command.timeout : Duration::zero(), [this, id] {
        Run& late = runs_.at(id);
        if (late.exited) return end(id); // It never began.
        late.trouble = "not over within " + to_text(late.timeout);
        kill(id, late);
    });
    return std::make_unique<Handle>(*this, id);
}

/// What went wrong.
std::string Commands::spawn(SpawnId id, const Command& command, Run& run)
{
    const auto input = file_with(command.input);
    if (!input) return input.error().text();
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return Error::from_errno("pipe").text();
    run.pipe = OwnedFd(ends[0]);
    const OwnedFd theirs(ends[1]);
    ::fcntl(run.pipe.get(), F_SETFL, O_NONBLOCK);
    ports::SpawnPlan plan;
    plan.unit = fmt::format("{}.notify-{}", command.unit, number(id));
    plan.slot = whole_unit;
    plan.argv = command.argv;
    plan.environment = command.environment;
    plan.input_fd = input->get();
    plan.output_fd = theirs.get();
    const auto outcome = spawner_.spawn(id, plan);
    if (const auto* failure = std::get_if<ports::SpawnFailure>(&outcome)) return in_words(*failure);
    run.watch = loop_.watch_fd(run.pipe.get(), ports::Interest::readable,
                               [this, id](ports::FdEvents) { read_output(runs_.at(id)); });
    return {};
}

/// All is read, so that the command never waits for a reader; the beginning is kept.
void Commands::read_output(Run& run)
{
    std::array<char, 16 << 10> buffer;
    const ssize_t count = ::read(run.pipe.get(), buffer.data(), buffer.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return run.watch.reset(); // closed by the command, which may go on
    run.output.append(buffer.data(),
                      std::min(static_cast<std::size_t>(count), output_max - run.output.size()));
}

void Commands::kill(SpawnId spawn, Run& run)
{
    if (!run.exited) spawner_.signal(spawn, SIGKILL); // Finding its whole tree takes a moment.
    if (!std::exchange(run.killing, true)) spawner_.kill_tree(spawn);
}

void Commands::abandon(SpawnId spawn)
{
    const auto found = runs_.find(spawn);
    if (found == runs_.end()) return;
    Run& run = found->second;
    run.ended = nullptr;
    run.watch.reset();
    run.pipe.reset();
    if (!run.exited) kill(spawn, run);
}

void Commands::on_exit(SpawnId spawn, const core::ExitStatus& status)
{
    Run& run = runs_.at(spawn);
    run.exited = true;
    run.limit.reset();
    if (run.watch) read_output(run); // one piece holds all that counts
    run.watch.reset();
    const bool is_success = status.kind == core::ExitStatus::Kind::code && status.number == 0;
    if (run.trouble.empty() && !is_success) {
        run.trouble = to_text(status);
        std::string_view said = run.output;
        said = said.substr(0, said.find_last_not_of(" \n\r") + 1);
        if (!said.empty()) run.trouble += ": " + printable(said);
    }
    // Also where none is known to live: that is not exact, and it is what removes its cgroup.
    kill(spawn, run);
    spawner_.acknowledge(spawn);
}

void Commands::on_tree_empty(SpawnId spawn)
{
    const auto found = runs_.find(spawn);
    if (found == runs_.end()) return;
    found->second.killing = false;
    if (found->second.exited) end(spawn);
}

void Commands::end(SpawnId spawn)
{
    const auto over = runs_.extract(spawn);
    if (over.mapped().ended) over.mapped().ended(over.mapped().trouble);
    if (runs_.empty()) tell_idle();
}

void Commands::when_idle(Duration at_most, std::function<void()> handler)
{
    on_idle_ = std::move(handler);
    idle_limit_ = loop_.after(runs_.empty() ? Duration::zero() : at_most, [this] { tell_idle(); });
}

void Commands::tell_idle()
{
    idle_limit_.reset();
    if (const auto handler = std::exchange(on_idle_, nullptr)) handler();
}

} // namespace keel::notify
