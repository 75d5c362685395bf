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

void UsageBook::take(const UsageReadings& all)
{
    if (!all) return;
    for (auto& [unit, usage] : units_)
        usage.memory_bytes = usage.processes = 0;
    for (const UsageReading& reading : *all) {
        note(reading);
        ports::Usage& sum = units_[reading.unit];
        sum.memory_bytes += reading.memory_bytes;
        sum.processes += reading.processes;
    }
    std::erase_if(seen_, [&](const auto& entry) {
        return entry.second.round != round_ && !awaited_.contains(entry.first);
    });
}

void UsageBook::note_last(const std::string& source, const std::optional<UsageReading>& last)
{
    if (last) note(*last);
    if (--awaited_[source] == 0) awaited_.erase(source);
}

UsageMeter::UsageMeter(ports::Loop& loop, const Spawner& spawner, OnFailure on_failure)
    : loop_(loop), spawner_(spawner), on_failure_(std::move(on_failure)),
      groups_(spawner.usage_sources().groups)
{
    if (groups_.empty()) {
        stage_ = Stage::begun;
        return;
    }
    begin();
    spawner_.before_group_goes([this](const std::string& name) { return last_look_at(name); });
}

UsageMeter::~UsageMeter() { spawner_.before_group_goes(nullptr); }

void UsageMeter::begin()
{
    stage_ = Stage::beginning;
    auto before = std::make_shared<UsageReadings>(std::vector<UsageReading>{});
    loop_.offload(
        [groups = groups_, before] { *before = read_groups(groups, UsageDepth::counters); },
        [this, before, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) return;
            tell(*before);
            stage_ = *before ? Stage::begun : Stage::new_;
            if (*before) book_.begin(**before);
            if (*before && !waiting_.empty()) return read_all();
            for (const auto& give : std::exchange(waiting_, {}))
                give(book_.units());
        });
}

CgroupTree::LastLook UsageMeter::last_look_at(const std::string& name)
{
    using Last = Result<std::optional<UsageReading>>;
    auto last = std::make_shared<Last>(std::nullopt);
    book_.expect_last(name);
    return {
        [groups = groups_, name, last] { *last = read_group(groups, name, UsageDepth::counters); },
        [this, name, last, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) return;
            if (!*last) tell(last->error());
            auto reading = *last ? **last : std::nullopt;
            // Of what was before the beginning, nothing counts.
            if (reading && stage_ != Stage::begun) reading->age = UsageReading::Age::older;
            book_.note_last(name, reading);
        }};
}

void UsageMeter::measure(std::function<void(const ports::UsageByUnit&)> done)
{
    waiting_.push_back(std::move(done));
    if (waiting_.size() > 1) return;
    if (stage_ == Stage::new_) begin();
    if (stage_ == Stage::begun) read_all();
}

void UsageMeter::read_all()
{
    struct Job {
        Spawner::UsageSources sources;
        UsageReadings readings;
    };
    auto job = std::make_shared<Job>(Job{spawner_.usage_sources(), std::vector<UsageReading>{}});
    book_.expect();
    loop_.offload(
        [job] {
            auto trees = read_trees(job->sources.trees, job->sources.scope);
            if (!trees || job->sources.groups.empty()) {
                job->readings = std::move(trees);
                return;
            }
            job->readings = read_groups(job->sources.groups, UsageDepth::everything);
            if (job->readings) std::ranges::move(*trees, std::back_inserter(*job->readings));
        },
        [this, job, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) return;
            tell(job->readings);
            book_.take(job->readings);
            for (const auto& give : std::exchange(waiting_, {}))
                give(book_.units());
        });
}

void UsageMeter::tell(const UsageReadings& outcome)
{
    if (!outcome && !failed_) on_failure_(outcome.error());
    failed_ = !outcome;
}

} // namespace keel::sys
