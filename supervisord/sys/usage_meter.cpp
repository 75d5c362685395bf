#include "sys/usage_meter.hpp"

#include <algorithm>
#include <utility>

namespace keel::sys {

void UsageBook::begin(const std::vector<UsageReading>& before)
{
    for (UsageReading reading : before) {
        reading.age = UsageReading::Age::older;
        note(reading);
    }
}

void UsageBook::note(const UsageReading& reading)
{
    const auto [found, is_new] = seen_.try_emplace(reading.source);
    Seen& seen = found->second;
    seen.round = round_;
    if (is_new && reading.age == UsageReading::Age::older)
        seen = {reading.identity, reading.cpu, reading.oom_kills, round_};
    if (reading.identity < seen.identity) return; // of a group that was removed meanwhile
    if (reading.identity > seen.identity) seen = {reading.identity, {}, 0, round_};
    ports::Usage& sum = units_[reading.unit];
    if (reading.cpu > seen.cpu) sum.cpu += reading.cpu - seen.cpu;
    if (reading.oom_kills > seen.oom_kills) sum.oom_kills += reading.oom_kills - seen.oom_kills;
    // A group never forgets, so a smaller number is an older one. A tree forgets its orphans.
    const bool may_fall = reading.kind == UsageReading::Kind::tree;
    seen.cpu = may_fall ? reading.cpu : std::max(seen.cpu, reading.cpu);
    seen.oom_kills = std::max(seen.oom_kills, reading.oom_kills);
}

void UsageBook::take(const std::vector<UsageReading>& all)
{
    for (auto& [unit, usage] : units_)
        usage.memory_bytes = usage.processes = 0;
    for (const UsageReading& reading : all) {
        note(reading);
        ports::Usage& sum = units_[reading.unit];
        sum.memory_bytes += reading.memory_bytes;
        sum.processes += reading.processes;
    }
    std::erase_if(seen_, [&](const auto& entry) { return entry.second.round != round_; });
}

UsageMeter::UsageMeter(ports::Loop& loop, const Spawner& spawner)
    : loop_(loop), spawner_(spawner), groups_(spawner.usage_sources().groups)
{
    if (groups_.empty()) return;
    book_.begin(read_groups(groups_, UsageDepth::counters));
    spawner_.before_group_goes([this](const std::string& name) {
        if (const auto last = read_group(groups_, name, UsageDepth::counters)) book_.note(*last);
    });
}

UsageMeter::~UsageMeter() { spawner_.before_group_goes(nullptr); }

void UsageMeter::measure(std::function<void(const ports::UsageByUnit&)> done)
{
    waiting_.push_back(std::move(done));
    if (waiting_.size() > 1) return;
    struct Job {
        Spawner::UsageSources sources;
        std::vector<UsageReading> readings;
    };
    auto job = std::make_shared<Job>(Job{spawner_.usage_sources(), {}});
    book_.expect();
    loop_.offload(
        [job] {
            if (!job->sources.groups.empty())
                job->readings = read_groups(job->sources.groups, UsageDepth::everything);
            auto trees = read_trees(job->sources.trees, job->sources.scope);
            std::ranges::move(trees, std::back_inserter(job->readings));
        },
        [this, job, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) return;
            book_.take(job->readings);
            for (const auto& give : std::exchange(waiting_, {}))
                give(book_.units());
        });
}

} // namespace keel::sys
