// keel_sim: seeded worlds against the real decision code, for as many simulated hours as one likes.
//
//     keel_sim [--seed N] [--hours N] [--worlds core|engine|both|deploy|releases] [--jobs N]
//              [--trace]
//
// In the worlds `deploy` the deployment machine alone deploys again and again, 50 times in each of
// them; in the worlds `releases` a unit runs from releases under the whole engine.
//
// With --seed and no --hours it lives through that one world and tells what happened in it; else
// through worlds of consecutive seeds, 10,000 hours if nobody says how many. It prints SEED= first,
// and at a broken promise what was broken, the last lines of that world's trace, and how to see it
// again. Exit 0: none was broken.
#include "base/ensure.hpp"
#include "engine/log.hpp"
#include "tests/sim/deploy_world.hpp"
#include "tests/sim/release_world.hpp"
#include "tests/sim/world.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fmt/format.h>
#include <mutex>
#include <thread>

namespace keel::sim {
namespace {

struct Options {
    std::uint64_t seed = 1;
    double hours = 0; ///< 0: one world
    enum class Worlds : std::uint8_t { core, engine, both, deploy, releases } worlds = Worlds::both;
    unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
    bool tells_all = false;
};

/// In a mixed run one world in eight has the whole engine in it: it costs more than the core alone.
Size size_of(const Options& options, std::uint64_t seed)
{
    constexpr std::uint64_t engine_one_in = 8;
    if (options.worlds == Options::Worlds::core) return Size::core;
    if (options.worlds == Options::Worlds::engine) return Size::engine;
    return seed % engine_one_in == 0 ? Size::engine : Size::core;
}

class Total {
public:
    void add(const Tally& t)
    {
        const std::scoped_lock lock(mutex_);
        sum_.hours += t.hours;
        sum_.turns += t.turns;
        sum_.spawns += t.spawns;
        sum_.deaths += t.deaths;
        sum_.outages += t.outages;
        sum_.requests += t.requests;
        sum_.deployments += t.deployments;
        ++worlds_;
        hours_ = sum_.hours;
    }
    [[nodiscard]] double hours() const { return hours_; }
    void print(double seconds_taken) const
    {
        if (sum_.deployments > 0)
            fmt::print("worlds={} hours={:.0f} deployments={} deaths={}\n", worlds_, sum_.hours,
                       sum_.deployments, sum_.deaths);
        else
            fmt::print("worlds={} hours={:.0f} turns={} spawns={} engine_deaths={} requests={} "
                       "outages={}\n",
                       worlds_, sum_.hours, sum_.turns, sum_.spawns, sum_.deaths, sum_.requests,
                       sum_.outages);
        fmt::print("{:.1f} s, {:.0f} simulated hours per second\n", seconds_taken,
                   sum_.hours / std::max(seconds_taken, 1e-9));
    }

private:
    std::mutex mutex_;
    Tally sum_;
    std::uint64_t worlds_ = 0;
    std::atomic<double> hours_{0};
};

using Trace = std::function<void(const std::string&)>;

Tally deploy_again_and_again(std::uint64_t seed, Trace trace)
{
    constexpr unsigned deployments = 50;
    DeployWorld world(seed, std::move(trace));
    Tally tally;
    tally.hours = keel::seconds(world.run(deployments)) / 3600;
    tally.deployments = deployments;
    tally.deaths = world.deaths();
    return tally;
}

Tally run_from_releases(std::uint64_t seed, Trace trace)
{
    ReleaseWorld world(seed, std::move(trace));
    world.run();
    Tally tally;
    tally.hours = keel::seconds(world.lasted()) / 3600;
    tally.deployments = world.deployments();
    tally.deaths = world.deaths();
    return tally;
}

Tally live_through(const Options& options, std::uint64_t seed, Trace trace)
{
    if (options.worlds == Options::Worlds::deploy)
        return deploy_again_and_again(seed, std::move(trace));
    if (options.worlds == Options::Worlds::releases)
        return run_from_releases(seed, std::move(trace));
    return World(seed, size_of(options, seed), std::move(trace)).run();
}

std::string describe(const Options& options, std::uint64_t seed)
{
    if (options.worlds == Options::Worlds::deploy) return {};
    if (options.worlds == Options::Worlds::releases) return ReleaseWorld(seed).describe();
    return World(seed, size_of(options, seed)).describe();
}

std::string_view name_of_worlds(const Options& options, std::uint64_t seed)
{
    if (options.worlds == Options::Worlds::deploy) return "deploy";
    if (options.worlds == Options::Worlds::releases) return "releases";
    return size_of(options, seed) == Size::core ? "core" : "engine";
}

/// Lives through one world; the first broken promise, or none.
std::optional<std::string> live(const Options& options, std::uint64_t seed, Total& total,
                                Trace trace = {})
{
    try {
        total.add(live_through(options, seed, std::move(trace)));
        return std::nullopt;
    } catch (const Violation& violation) {
        return violation.what;
    } catch (const std::exception& mistake) {
        return std::string("an exception: ") + mistake.what();
    }
}

/// Lives through it again and shows how it went: the units, then the end of the trace or all of it.
int show(const Options& options, std::uint64_t seed)
{
    constexpr std::size_t shown = 60;
    std::deque<std::string> lines;
    Total total;
    fmt::print("{}", describe(options, seed));
    const auto broken = live(options, seed, total, [&](const std::string& line) {
        if (options.tells_all) fmt::print("{}\n", line);
        if (line.find("  probe   ") != std::string::npos) return; // too many for the short story
        lines.push_back(line);
        if (lines.size() > shown) lines.pop_front();
    });
    if (!options.tells_all)
        for (const std::string& line : lines)
            fmt::print("{}\n", line);
    if (!broken) {
        fmt::print("seed {}: no promise was broken\n", seed);
        return 0;
    }
    fmt::print("seed {}: {}\nagain: keel_sim --worlds {} --seed {} [--trace]\n", seed, *broken,
               name_of_worlds(options, seed), seed);
    return 1;
}

int live_through_many(const Options& options)
{
    Total total;
    std::atomic<std::uint64_t> next{options.seed};
    std::atomic<std::uint64_t> failed{0};
    const auto began = std::chrono::steady_clock::now();
    const auto work = [&] {
        while (failed == 0 && total.hours() < options.hours) {
            const std::uint64_t seed = next++;
            std::uint64_t none = 0;
            if (live(options, seed, total)) failed.compare_exchange_strong(none, seed);
        }
    };
    {
        std::vector<std::jthread> workers;
        for (unsigned i = 0; i < options.jobs; ++i)
            workers.emplace_back(work);
    }
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
    total.print(taken.count());
    return failed == 0 ? 0 : show(options, failed);
}

std::optional<Options::Worlds> parse_worlds(std::string_view word)
{
    if (word == "core") return Options::Worlds::core;
    if (word == "engine") return Options::Worlds::engine;
    if (word == "both") return Options::Worlds::both;
    if (word == "deploy") return Options::Worlds::deploy;
    if (word == "releases") return Options::Worlds::releases;
    return std::nullopt;
}

std::optional<Options> parse(int count, char** words)
{
    constexpr double hours_by_default = 10'000;
    Options options;
    std::optional<std::uint64_t> seed;
    std::optional<double> hours;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        if (word == "--trace") {
            options.tells_all = true;
            continue;
        }
        if (++i == count) return std::nullopt;
        const char* value = words[i];
        if (word == "--seed")
            seed = std::strtoull(value, nullptr, 10);
        else if (word == "--hours")
            hours = std::strtod(value, nullptr);
        else if (word == "--jobs")
            options.jobs = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
        else if (const auto worlds = parse_worlds(value); word == "--worlds" && worlds)
            options.worlds = *worlds;
        else
            return std::nullopt;
    }
    options.seed = seed.value_or(1);
    options.hours = hours.value_or(seed ? 0 : hours_by_default);
    return options;
}

} // namespace
} // namespace keel::sim

int main(int count, char** words)
{
    using namespace keel;
    const auto options = sim::parse(count, words);
    if (!options) {
        (void)std::fputs("usage: keel_sim [--seed N] [--hours N] [--worlds "
                         "core|engine|both|deploy|releases] [--jobs N] [--trace]\n",
                         stderr);
        return 2;
    }
    set_on_invariant_failure(OnInvariantFailure::throw_exception);
    log::set_level(log::Level::off);
    fmt::print("SEED={}\n", options->seed);
    (void)std::fflush(stdout);
    return options->hours > 0 ? sim::live_through_many(*options)
                              : sim::show(*options, options->seed);
}
