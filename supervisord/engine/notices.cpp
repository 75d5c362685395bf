// What processes say of themselves, on its way to core; and which of them are listened to.
#include "engine/engine.hpp"
#include "engine/log.hpp"

#include "base/text.hpp"

#include <charconv>
#include <fmt/format.h>

namespace keel::engine {
namespace {

/// The journal's record of a process that said MAINPID: the spawn and the pid.
std::string main_key(const units::UnitSpec& spec, Slot slot)
{
    return fmt::format("main/{}/{}", spec.name, slot);
}

std::string main_record(SpawnId spawn, pid_t pid)
{
    return fmt::format("{} {}", number(spawn), pid);
}

std::optional<pid_t> main_in(std::string_view record, SpawnId spawn)
{
    const std::string beginning = fmt::format("{} ", number(spawn));
    if (!record.starts_with(beginning)) return std::nullopt;
    pid_t pid = 0;
    const char* const end = record.data() + record.size();
    const auto [rest, failed] = std::from_chars(record.data() + beginning.size(), end, pid);
    if (failed != std::errc{} || rest != end || pid <= 1) return std::nullopt;
    return pid;
}

} // namespace

void Engine::hear()
{
    ports_.notices.set_handlers(
        {.on_notice = [this](SpawnId spawn, const core::Notice& notice) { heard(spawn, notice); },
         .on_trouble =
             [this](SpawnId spawn, const std::string& text) {
                 const auto owner = owners_.find(number(spawn));
                 if (owner == owners_.end()) return log::write(log::Level::warn, text);
                 const InstanceId id = owner->second;
                 say(id.unit, subject(id.unit, id.slot), "notify", text);
             }});
    hear_pipes();
}

void Engine::hear_pipes()
{
    ports_.ready_pipes.set_handlers(
        {.on_newline =
             [this](SpawnId spawn) {
                 const auto owner = owners_.find(number(spawn));
                 if (owner == owners_.end()) return;
                 const int fd = host_.spec(owner->second.unit).ready_fd;
                 post(owner->second,
                      core::ShownReady{spawn, fmt::format("wrote a newline to descriptor {}", fd),
                                       units::ReadyBy::descriptor});
             },
         .on_shut =
             [this](SpawnId spawn) {
                 const auto owner = owners_.find(number(spawn));
                 if (owner == owners_.end()) return;
                 const InstanceId id = owner->second;
                 const auto& state = host_.unit(id.unit).instances[id.slot - 1U].state;
                 if (!std::holds_alternative<core::Starting>(state)) return;
                 say(id.unit, subject(id.unit, id.slot), "ready",
                     fmt::format("it has closed descriptor {} and written no newline to it: it "
                                 "cannot become ready any more",
                                 host_.spec(id.unit).ready_fd));
             }});
}

void Engine::heard(SpawnId spawn, const core::Notice& notice)
{
    const auto owner = owners_.find(number(spawn));
    if (owner == owners_.end()) return;
    const InstanceId id = owner->second;
    if (notice.main) {
        ports_.journal.put(main_key(host_.spec(id.unit), id.slot),
                           main_record(spawn, *notice.main));
        ports_.spawner.take_for_main(spawn, *notice.main);
    }
    post(id, core::Notified{spawn, notice});
}

/// Not from within a step: what is heard is to be taken in, and journaled, as it is heard.
void Engine::hear_out(InstanceId id, SpawnId spawn)
{
    ports_.loop.defer([this, id, spawn, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired()) return;
        ports_.notices.hear(spawn);
        ports_.ready_pipes.hear(spawn);
        const units::UnitSpec& spec = host_.spec(id.unit);
        if (spec.ready != units::ReadyBy::log) return post(id, core::HeardOut{spawn});
        ports_.logs.when_drained(spec.name, id.slot, [this, id, spawn, alive] {
            if (!alive.expired()) post(id, core::HeardOut{spawn});
        });
    });
}

/// To be called before its output is opened, so that no line is missed.
void Engine::await_line(InstanceId id, SpawnId spawn, ports::LogSink::Awaits awaits)
{
    const units::UnitSpec& spec = host_.spec(id.unit);
    if (spec.ready != units::ReadyBy::log) return;
    ports_.logs.await_line(
        spec.name, id.slot,
        {spec.ready_line,
         [this, id, spawn, alive = std::weak_ptr<int>(alive_)](const std::string& line) {
             if (alive.expired()) return;
             post(id, core::ShownReady{spawn, fmt::format("wrote \"{}\"", printable(line, 256))});
         }},
        awaits);
}

/// What a process needs to speak; a reason if it cannot be had.
std::optional<Error> Engine::give_voice(InstanceId id, SpawnId spawn, ports::SpawnPlan& plan)
{
    const units::UnitSpec& spec = host_.spec(id.unit);
    if (spec.ready == units::ReadyBy::descriptor) {
        auto pipe = ports_.ready_pipes.open(spawn);
        if (!pipe) return pipe.error();
        plan.ready_fd = spec.ready_fd;
        plan.ready_pipe = *pipe;
    }
    if (!units::hears_notices(spec)) return std::nullopt;
    auto socket = ports_.notices.open(spawn);
    if (!socket) return socket.error();
    plan.environment["NOTIFY_SOCKET"] = std::move(*socket);
    if (spec.watchdog == Duration{0}) return std::nullopt;
    const auto interval = std::chrono::duration_cast<std::chrono::microseconds>(spec.watchdog);
    plan.environment["WATCHDOG_USEC"] = fmt::format("{}", interval.count());
    plan.pid_variable = "WATCHDOG_PID";
    return std::nullopt;
}

/// After adoption: those that live are listened to as before.
void Engine::keep_hearing()
{
    std::vector<SpawnId> living, all;
    const auto& recovered = ports_.journal.recovered();
    for (const auto& [spawn, process] : processes_) {
        all.push_back(SpawnId{spawn});
        const InstanceId id = owners_.at(spawn);
        const units::UnitSpec& spec = host_.spec(id.unit);
        if (!units::hears_notices(spec)) continue;
        living.push_back(SpawnId{spawn});
        const auto record = recovered.find(main_key(spec, id.slot));
        if (record == recovered.end()) continue;
        if (const auto pid = main_in(record->second, SpawnId{spawn}))
            ports_.spawner.take_for_main(SpawnId{spawn}, *pid);
    }
    ports_.notices.take_over(living);
    ports_.ready_pipes.take_over(all); // Also of those whose units have come to do without.
}

void Engine::forget_notices(InstanceId id, SpawnId spawn)
{
    ports_.notices.close(spawn);
    ports_.ready_pipes.close(spawn);
    const units::UnitSpec& spec = host_.spec(id.unit);
    if (units::hears_notices(spec)) ports_.journal.erase(main_key(spec, id.slot));
}

} // namespace keel::engine
