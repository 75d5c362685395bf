// How long the event loop is kept from its work by probes of targets that hang, flood, drip, refuse
// or hide behind a resolver that hangs: the verdict and time of each, and the longest turns.
//
// probe_lag_bench [SECONDS]: all targets again and again for so long (5), each 100 ms after its
// last verdict. The servers run on threads of this process, so on few cores they disturb what is
// measured.
#include "probes/prober.hpp"
#include "sys/loop.hpp"
#include "tests/integration/probes/targets.hpp"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

namespace keel {
namespace {

using namespace std::chrono_literals;

class NoSpawner final : public ports::Spawner {
    std::variant<ports::ProcessIdentity, ports::SpawnFailure>
    spawn(SpawnId, const ports::SpawnPlan&) override
    {
        return ports::SpawnFailure{};
    }
    void set_resources(SpawnId, const units::ResourcesSpec&) override {}
    void signal(SpawnId, int) override {}
    void take_for_main(SpawnId, pid_t) override {}
    void kill_tree(SpawnId) override {}
    void acknowledge(SpawnId) override {}
    void set_handlers(Handlers) override {}
    std::vector<Survivor> survivors(const std::vector<Survivor>&) override { return {}; }
};

/// How late a timer of 1 ms fires: what any other unit would have felt.
struct Heartbeat {
    ports::Loop& loop;
    Duration late_max{0};
    ports::Loop::Registration timer;

    void beat()
    {
        const MonoTime set = loop.precise();
        timer = loop.after(1ms, [this, set] {
            late_max = std::max(late_max, loop.precise() - set - 2ms); // the loop counts in ms
            beat();
        });
    }
};

class Bench {
public:
    explicit Bench(Duration time) : time_(time), cases_(targets_.cases()), worst_(cases_.size())
    {
        loop_.on_turn([this](Duration lag) { turns_.push_back(lag); });
    }

    int run()
    {
        heart_.beat();
        const auto end = loop_.after(time_, [this] { over_ = true; });
        for (std::size_t i = 0; i < cases_.size(); ++i)
            probe(i);
        while (!over_ || in_flight_ > 0)
            loop_.run_turn();
        return report();
    }

private:
    struct Worst {
        core::ProbeAnswer answer;
        std::size_t count = 0;
        std::size_t wrong = 0;
    };

    void probe(std::size_t i)
    {
        ++in_flight_;
        const test::BadTarget& target = cases_[i];
        prober_.probe({ports::AttemptId{++attempts_}, target.target, target.timeout, {}},
                      [this, i](const core::ProbeAnswer& answer) { judged(i, answer); });
    }

    void judged(std::size_t i, const core::ProbeAnswer& answer)
    {
        --in_flight_;
        Worst& worst = worst_[i];
        ++worst.count;
        if (answer.verdict != cases_[i].verdict || answer.kind != cases_[i].kind) ++worst.wrong;
        if (answer.latency >= worst.answer.latency) worst.answer = answer;
        pauses_[i] = loop_.after(100ms, [this, i] {
            if (!over_) probe(i);
        });
    }

    int report()
    {
        std::size_t wrong = 0;
        fmt::print("{:36} {:>6} {:>10}  slowest verdict\n", "target", "probes", "slowest");
        for (std::size_t i = 0; i < cases_.size(); ++i) {
            const core::ProbeAnswer& answer = worst_[i].answer;
            fmt::print("{:36} {:>6} {:>10}  {} {}: {}{}\n", cases_[i].name, worst_[i].count,
                       to_human(answer.latency), name(answer.verdict), name(answer.kind),
                       answer.detail.substr(0, 60), worst_[i].wrong > 0 ? "  <== WRONG" : "");
            wrong += worst_[i].wrong;
        }
        std::sort(turns_.begin(), turns_.end());
        const auto at = [this](double share) {
            return to_human(
                turns_[static_cast<std::size_t>(share * static_cast<double>(turns_.size() - 1))]);
        };
        fmt::print("\n{} turns of the loop: median {}, 99 % within {}, longest {}\n", turns_.size(),
                   at(0.5), at(0.99), at(1));
        fmt::print("a timer of 1 ms was late by at most {}\n",
                   to_human(std::max(heart_.late_max, Duration{})));
        return wrong == 0 ? 0 : 1;
    }

    const Duration time_;
    test::BadTargets targets_;
    const std::vector<test::BadTarget> cases_;
    sys::UvLoop loop_;
    NoSpawner spawner_;
    probes::Prober prober_{loop_, spawner_, [] { return SpawnId{1}; }, targets_.lookup()};
    Heartbeat heart_{loop_, {}, {}};
    std::vector<Worst> worst_;
    std::map<std::size_t, ports::Loop::Registration> pauses_;
    std::vector<Duration> turns_;
    std::uint64_t attempts_ = 0;
    std::size_t in_flight_ = 0;
    bool over_ = false;
};

} // namespace
} // namespace keel

int main(int argc, char** argv)
{
    const long seconds = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 5;
    return keel::Bench(std::chrono::seconds(std::clamp(seconds, 1L, 3600L))).run();
}
