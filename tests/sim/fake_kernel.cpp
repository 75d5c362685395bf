#include "tests/sim/fake_kernel.hpp"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>

namespace keel::sim {

using core::ExitStatus;
using core::TreeState;

namespace {

/// What a hook is told of itself; none: it is no hook's spawn.
std::optional<units::Hook> hook_in(const ports::SpawnPlan& plan)
{
    const auto told = plan.environment.find("KEEL_HOOK");
    if (told == plan.environment.end()) return std::nullopt;
    return from_name<units::Hook>(told->second);
}

bool runs_beside(units::Hook hook)
{
    return hook == units::Hook::start_post || hook == units::Hook::stop_pre ||
           hook == units::Hook::reload;
}

} // namespace

/// One process of its own, one hook, and both at once only where that is the hook's purpose.
void FakeKernel::check_alone(SpawnId id, InstanceId instance, std::optional<units::Hook> hook) const
{
    const auto complain = [&](SpawnId other) {
        violated(fmt::format("{}.{} is spawned as {} while something of spawn {} lives",
                             world_.spec(instance).name, instance.slot, number(id), number(other)));
    };
    if (const auto other = living_hook(instance)) complain(*other);
    const auto main = living(instance);
    if (main && !(hook && runs_beside(*hook))) complain(*main);
}

void FakeKernel::note_began(const Process& process)
{
    const units::UnitSpec& spec = world_.spec(process.instance);
    if (process.is_of_ladder()) return;
    if (process.hook)
        hooks.hook_began(process.instance, spec, *process.hook, latest_main(process.instance));
    else
        hooks.main_began(process.instance, spec);
}

std::variant<ports::ProcessIdentity, ports::SpawnFailure>
FakeKernel::spawn(SpawnId id, const ports::SpawnPlan& plan)
{
    fuse_.burn();
    const InstanceId instance = world_.find(plan.unit.substr(0, plan.unit.find('.')), plan.slot);
    const auto hook = hook_in(plan);
    check_alone(id, instance, hook);
    const bool is_known = processes_.contains(id) && !forgotten_.contains(id);
    if (is_known || (memory == Memory::whole && id <= latest_))
        violated(fmt::format("spawn id {} comes after {}", number(id), number(latest_)));
    latest_ = std::max(latest_, id);
    if (memory == Memory::lossy)
        for (auto* by : {&by_instance_, &hook_of_})
            std::erase_if(*by, [id](const auto& known) { return known.second == id; });
    forgotten_.erase(id);
    acknowledged_.erase(id);
    auto chosen = world_.fate_of ? world_.fate_of(plan) : std::nullopt;
    if (!chosen) chosen = hook ? world_.hook_fate(instance, *hook) : world_.fate(instance);
    const Fate fate = *chosen;
    if (fate.failure) {
        if (hook)
            hooks.try_hook(instance, *hook, latest_main(instance));
        else if (instance.slot != whole_unit)
            hooks.main_failed(instance);
        if (world_.trace)
            world_.trace(fmt::format("kernel  {}.{} spawn {} fails: {}", plan.unit, plan.slot,
                                     number(id), name(fate.failure->stage)));
        fuse_.burn();
        return *fate.failure;
    }
    Process process;
    process.instance = instance;
    process.hook = hook;
    process.unit = plan.unit;
    process.argv = plan.argv;
    process.resources = plan.resources;
    process.fate = fate;
    process.since = loop_.now().mono;
    if (memory == Memory::whole) note_began(process);
    processes_[id] = process;
    (hook ? hook_of_ : by_instance_)[instance] = id;
    trace(process, id, "runs {}", hook ? name(*hook) : "");
    if (world_.born && process.is_main()) world_.born(id, instance, fate);
    if (fate.ends_after)
        loop_.in(*fate.ends_after, [this, id, ends = fate.ends, status = fate.status] {
            if (!at_peace || ends == Fate::Ends::as_it_should) end(id, status);
        });
    fuse_.burn();
    return ports::ProcessIdentity{static_cast<pid_t>(number(id) % 4'000'000) + 2, number(id)};
}

void FakeKernel::end(SpawnId id, ExitStatus status)
{
    const auto found = processes_.find(id);
    if (found == processes_.end() || !found->second.main_lives) return;
    Process& process = found->second;
    process.main_lives = false;
    process.status = status;
    if (process.hook) hooks.hook_ended(process.instance, *process.hook, status);
    if (world_.rung_hook_ended && process.is_of_ladder())
        world_.rung_hook_ended(process.instance.unit, status);
    if (world_.work_ended && process.is_of_ladder()) world_.work_ended(process.argv, status);
    process.children = process.killed ? 0 : process.fate.children;
    trace(process, id, "ends: {}, {} children left", to_text(status), process.children);
    ends_.push_back(id);
    const auto life = life_;
    const bool shuffled = process.killed && rng_.chance(shuffles);
    if (shuffled) report_tree(id);
    loop_.in(rng_.upto(report_latency), [this, id, life] {
        if (life == life_ && handlers_.on_exit) report(id);
    });
}

void FakeKernel::report(SpawnId id)
{
    const auto found = processes_.find(id);
    if (found == processes_.end() || found->second.reported) return;
    Process& process = found->second;
    process.reported = true;
    const auto tree = process.children > 0 ? TreeState::alive : TreeState::empty;
    const bool killed = process.killed;
    handlers_.on_exit(id, process.status, tree);
    if (killed && processes_.contains(id)) report_tree(id);
}

/// Tells that the tree is empty once it is, if anybody wanted to know.
void FakeKernel::report_tree(SpawnId id)
{
    const auto found = processes_.find(id);
    if (found == processes_.end()) return;
    Process& process = found->second;
    if (process.main_lives || process.children > 0 || process.tree_reported) return;
    process.tree_reported = true;
    loop_.in(rng_.upto(report_latency), [this, id, life = life_] {
        if (life != life_ || !handlers_.on_tree_empty) return;
        handlers_.on_tree_empty(id);
    });
    forget_if_over(id);
}

void FakeKernel::signal(SpawnId id, int signal_number)
{
    fuse_.burn();
    const auto found = processes_.find(id);
    const bool ends = signal_number != SIGHUP; // By that one they are only told to reload.
    if (ends && found != processes_.end() && !found->second.asked_at)
        found->second.asked_at = loop_.now().mono;
    if (ends && found != processes_.end() && found->second.main_lives && !found->second.asked) {
        Process& process = found->second;
        const bool obeys = process.fate.term == Fate::Term::obeys;
        trace(process, id, "gets signal {}{}", signal_number, obeys ? "" : " and ignores it");
        if (process.is_main() && memory == Memory::whole && !living_hook(process.instance))
            hooks.main_signalled(process.instance, world_.spec(process.instance), id);
        process.asked = obeys;
        if (obeys)
            loop_.in(process.fate.term_takes,
                     [this, id, status = process.fate.term_status] { end(id, status); });
    }
    fuse_.burn();
}

void FakeKernel::kill_tree(SpawnId id)
{
    fuse_.burn();
    const auto found = processes_.find(id);
    if (found == processes_.end()) {
        // Nothing of it lives, and nothing is known of it: the tree is empty.
        loop_.in(rng_.upto(report_latency), [this, id, life = life_] {
            if (life == life_ && handlers_.on_tree_empty) handlers_.on_tree_empty(id);
        });
    } else {
        Process& process = found->second;
        trace(process, id, "is killed, the whole tree");
        const bool is_new = process.main_lives && process.is_main() && !process.killed;
        if (world_.killed && is_new)
            world_.killed(process.instance,
                          process.asked_at ? std::optional(loop_.now().mono - *process.asked_at)
                                           : std::nullopt);
        process.killed = true;
        process.tree_reported = false;
        const ExitStatus killed{ExitStatus::Kind::signal, SIGKILL, false};
        if (process.main_lives)
            loop_.in(process.fate.kill_takes, [this, id, killed] { end(id, killed); });
        for (unsigned child = 0; child < process.children; ++child)
            loop_.in(process.fate.kill_takes, [this, id] { child_ended(id); });
        if (!process.main_lives && process.children == 0) report_tree(id);
    }
    fuse_.burn();
}

void FakeKernel::child_ended(SpawnId id)
{
    const auto found = processes_.find(id);
    if (found == processes_.end() || found->second.children == 0) return;
    if (--found->second.children == 0) {
        trace(found->second, id, "has no process left");
        report_tree(id);
    }
}

void FakeKernel::acknowledge(SpawnId id)
{
    fuse_.burn();
    // An end that an earlier engine acknowledged may be acknowledged again by one that cannot know.
    const bool again = !acknowledged_.insert(id).second;
    const auto found = processes_.find(id);
    const bool early =
        found != processes_.end() && !found->second.reported && !forgotten_.contains(id);
    if (early)
        violated(fmt::format("the end of spawn {} is acknowledged before it was told", number(id)));
    if (again && acks == Acks::exact)
        violated(fmt::format("the end of spawn {} is acknowledged twice", number(id)));
    std::erase(ends_, id);
    forgotten_.insert(id);
    forget_if_over(id);
    fuse_.burn();
}

/// Of what is acknowledged and has no processes, only the number is kept, and not for ever.
void FakeKernel::forget_if_over(SpawnId id)
{
    const auto found = processes_.find(id);
    if (found == processes_.end() || !forgotten_.contains(id)) return;
    if (found->second.main_lives || found->second.children > 0) return;
    processes_.erase(found);
    constexpr std::size_t remembered = 4096;
    if (forgotten_.size() > remembered) forgotten_.erase(forgotten_.begin());
}

std::vector<ports::Spawner::Survivor> FakeKernel::survivors(const std::vector<Survivor>&)
{
    fuse_.burn();
    std::vector<Survivor> alive;
    for (const auto& [id, process] : processes_)
        if (process.main_lives)
            alive.push_back({id,
                             {static_cast<pid_t>(number(id) % 4'000'000) + 2, number(id)},
                             process.unit,
                             process.instance.slot});
    loop_.defer([this, ends = ends_] {
        for (const SpawnId id : ends)
            report(id);
    });
    fuse_.burn();
    return alive;
}

// ---- the world's side ---------------------------------------------------------------------------

void FakeKernel::engine_died()
{
    ++life_;
    handlers_ = {};
    acknowledged_.clear();
    for (auto& [id, process] : processes_)
        process.reported = process.tree_reported = false;
}

void FakeKernel::set_sick(SpawnId id, bool sick)
{
    if (const auto found = processes_.find(id); found != processes_.end())
        found->second.sick = sick;
}

bool FakeKernel::main_lives(SpawnId id) const
{
    const auto found = processes_.find(id);
    return found != processes_.end() && found->second.main_lives;
}

bool FakeKernel::anything_lives(SpawnId id) const
{
    const auto found = processes_.find(id);
    return found != processes_.end() && (found->second.main_lives || found->second.children > 0);
}

std::optional<SpawnId> FakeKernel::living(InstanceId instance) const
{
    const auto latest = by_instance_.find(instance);
    if (latest == by_instance_.end() || !anything_lives(latest->second)) return std::nullopt;
    if (memory == Memory::lossy && !main_lives(latest->second)) return std::nullopt;
    return latest->second;
}

std::optional<SpawnId> FakeKernel::latest_main(InstanceId instance) const
{
    const auto latest = by_instance_.find(instance);
    return latest == by_instance_.end() ? std::nullopt : std::optional(latest->second);
}

std::optional<SpawnId> FakeKernel::living_hook(InstanceId instance) const
{
    const auto latest = hook_of_.find(instance);
    const bool counts = memory == Memory::whole; // Else nobody may know of it any more.
    if (!counts || latest == hook_of_.end() || !anything_lives(latest->second)) return std::nullopt;
    return latest->second;
}

bool FakeKernel::is_healthy(InstanceId instance) const
{
    const auto latest = by_instance_.find(instance);
    if (latest == by_instance_.end()) return false;
    const auto found = processes_.find(latest->second);
    if (found == processes_.end() || !found->second.main_lives) return false;
    const Process& process = found->second;
    return process.fate.hangs == Fate::Hangs::no && !process.sick &&
           loop_.now().mono >= process.since + process.fate.ready_after;
}

bool FakeKernel::is_well(SpawnId id) const
{
    const auto found = processes_.find(id);
    return found != processes_.end() && found->second.main_lives && !found->second.sick &&
           found->second.fate.hangs == Fate::Hangs::no;
}

std::vector<SpawnId> FakeKernel::living_mains() const
{
    std::vector<SpawnId> alive;
    for (const auto& [id, process] : processes_)
        if (process.main_lives && !process.is_of_ladder()) alive.push_back(id);
    return alive;
}

bool FakeKernel::was_told(SpawnId id) const
{
    const auto found = processes_.find(id);
    return acknowledged_.contains(id) || (found != processes_.end() && found->second.reported);
}

std::size_t FakeKernel::unacknowledged() const { return ends_.size(); }

} // namespace keel::sim
