// A unit with releases, for tests of its deployments: what the engine would do of itself is done by
// settle(), and what a test decides stays open.
#pragma once
#include "machines.hpp"

#include <stdexcept>

namespace keel::core {

class DeployBench : public OneUnit {
public:
    explicit DeployBench(std::uint16_t instances = 1, std::uint16_t min_ready = 1)
        : OneUnit(instances, min_ready)
    {
        spec.deploy.root = "/srv/unit";
        spec.deploy.source = "/archives/{release}.tar";
        spec.deploy.verify_for = 10s;
        spec.deploy.good_after = 10min;
        spec.command = {"{release}/bin/unit"};
    }

    /// As if it had been deployed some time ago.
    void has(std::string_view id, Release::Good good = Release::Good::yes)
    {
        make_current(it.releases, id, in.now);
        it.releases.known.back().good = good;
        it.releases.current_since.reset();
    }
    void deploys(std::string release, std::uint64_t id = 7)
    {
        Asked asked{OperationId{id}, Verb::deploy, "ann", "testing"};
        asked.deploy.release = std::move(release);
        apply(asked);
    }
    /// Answers all records that were asked for, and lets all that was started run.
    void settle()
    {
        if (it.deploy_effect && it.deploy_effect->stage == DeployEffect::Stage::recorded)
            apply(DeploymentKept{});
        while (it.deployment) {
            const auto* writing = std::get_if<DeployWriting>(&it.deployment->course.stage);
            if (writing == nullptr || writing->record == 0) break;
            apply(DeploymentKept{writing->record});
        }
        run_all_started();
    }
    [[nodiscard]] bool is_at_work() const { return it.deploy_effect.has_value(); }
    /// The step that the process at work is about; empty: none is at work.
    [[nodiscard]] std::string at_work() const
    {
        if (!is_at_work()) return "";
        const DeployEffect& effect = *it.deploy_effect;
        if (effect.stage == DeployEffect::Stage::recorded) return "the record";
        if (effect.about == DeployEffect::About::removal) return "remove " + effect.release;
        if (effect.about == DeployEffect::About::formers) return "formers of " + effect.release;
        if (effect.about == DeployEffect::About::link) return "link " + effect.release;
        const std::string name = it.deployment.value().course.steps.at(effect.step).name;
        return effect.way == DeployWorked::Way::undoing ? "undo " + name : name;
    }
    /// It ends, and all that can go on without a test's word does.
    void works(int code = 0)
    {
        apply(whole_unit,
              ProcessExited{it.deploy_effect.value().spawn, exit_code(code), TreeState::empty});
        settle();
    }
    /// Every step up to this one is done well.
    void goes_to(const std::string& step)
    {
        settle();
        while (is_at_work() && at_work() != step)
            works();
        expect_at(step);
    }
    [[nodiscard]] std::string on(Slot slot = 1) const { return instance(slot).release.id; }
    /// The process of that slot ends as asked.
    void gives_way(Slot slot = 1)
    {
        exits(slot, 0);
        settle();
    }
    /// What was asked to stop does, and what comes after it runs.
    void all_give_way()
    {
        for (bool any = true; any;) {
            any = false;
            for (Slot slot = 1; slot <= it.instances.size(); ++slot)
                if (state(slot) == "stopping") {
                    gives_way(slot);
                    any = true;
                }
        }
    }
    /// To the end of the present trial of an instance.
    void is_proved()
    {
        live_through(spec.deploy.verify_for);
        settle();
    }
    [[nodiscard]] const DeploymentRecord& ended() const { return told<DeploymentEnded>().record; }
    [[nodiscard]] const OperationResult& answer() const { return told<OperationEnded>().result; }

private:
    /// A test that looks for what was never told fails, and does not end the others.
    template <class N> [[nodiscard]] const N& told() const
    {
        const N* note = noted<N>();
        if (note == nullptr) throw std::logic_error("that was never told");
        return *note;
    }
    void expect_at(const std::string& step) const
    {
        if (step != "roll" && at_work() != step) throw std::logic_error("not at " + step);
    }
};

} // namespace keel::core
