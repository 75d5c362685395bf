#include "applying.hpp"

#include "engine/configuration.hpp"
#include "engine/log.hpp"
#include "sys/start_configuration.hpp"
#include "units/host_check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

namespace keel {

using ports::ApplySpec;

struct Applying::Read {
    std::vector<units::Problem> problems;
    std::vector<engine::ConfiguredUnit> units;
    units::Channels channels;
    units::EnvironmentDigests environments;
    std::optional<std::uint64_t> generation; ///< that is gone back to; none: what was staged
};

namespace {

/// Status is shown also if the disk hangs.
constexpr Duration disk_patience = std::chrono::milliseconds(250);

sys::Generations generations_of(const sys::Paths& paths)
{
    return sys::Generations(paths.lib / "generations");
}

units::Problem no_generation(const sys::Generations& generations, const std::string& which)
{
    const auto numbers = generations.numbers();
    return {which,
            0,
            0,
            "",
            "there is no such generation",
            numbers.empty() ? "keeld stores one when it starts"
                            : fmt::format("there are: {}", fmt::join(numbers, ", "))};
}

std::vector<units::Problem> problems_of(const units::Configuration& configuration,
                                        const sys::Paths& paths,
                                        const units::ControlGroups& control_groups)
{
    auto all = configuration.daemon.problems;
    const auto add = [&](const std::vector<units::Problem>& more) {
        all.insert(all.end(), more.begin(), more.end());
    };
    add(units::check_host(configuration.daemon));
    add(configuration.units.problems);
    for (const units::LoadedUnit& unit : configuration.units.units) {
        auto of_unit = unit.problems;
        const auto of_host =
            units::check_host(unit, {paths.run / "units" / unit.name, control_groups});
        of_unit.insert(of_unit.end(), of_host.begin(), of_host.end());
        units::sort_by_position(of_unit);
        add(of_unit);
    }
    return all;
}

} // namespace

Applying::Applying(ports::Loop& loop, engine::Engine& engine, ports::Notifier& notifier,
                   sys::Paths paths, std::function<units::ControlGroups()> control_groups)
    : loop_(loop), engine_(engine), notifier_(notifier), paths_(std::move(paths)),
      control_groups_(std::move(control_groups)), disk_(std::make_shared<sys::DiskChanges>(paths_))
{}

void Applying::look_for_changes(std::function<void(const ChangedUnits&)> done)
{
    look_.waiting.push_back(std::move(done));
    if (!look_.patience) look_.patience = loop_.after(disk_patience, [this] { end_look(); });
    if (std::exchange(look_.is_under_way, true)) return;
    const auto found = std::make_shared<ChangedUnits>();
    loop_.offload([disk = disk_, found] { *found = disk->look(); },
                  [this, found] {
                      look_.is_under_way = false;
                      changed_ = std::move(*found);
                      end_look();
                  });
}

void Applying::end_look()
{
    look_.patience.reset();
    for (const auto& done : std::exchange(look_.waiting, {}))
        done(changed_);
}

void Applying::apply(const ApplySpec& spec, std::function<void(const Answer&)> done)
{
    if (reading_ == Reading::yes)
        return loop_.defer([done = std::move(done)] {
            using enum ports::Refusal::Kind;
            done(ports::Refusal{conflict, "another apply is about to begin", {}});
        });
    reading_ = Reading::yes;
    const auto found = std::make_shared<Read>();
    loop_.offload([paths = paths_, groups = control_groups_(), spec,
                   found] { read(paths, groups, spec, *found); },
                  [this, spec, found, done = std::move(done)] {
                      reading_ = Reading::no;
                      hand_over(spec, *found, done);
                  });
}

void Applying::apply_for(const std::string& by)
{
    ApplySpec spec;
    spec.by = by;
    apply(spec, [by](const Answer& answer) {
        const auto warn = [&](const std::string& text) {
            log::write(log::Level::warn, "apply by " + by + ": " + text);
        };
        if (const auto* refusal = std::get_if<ports::Refusal>(&answer)) warn(refusal->text);
        if (const auto* problems = std::get_if<std::vector<units::Problem>>(&answer))
            for (const units::Problem& problem : *problems)
                warn(to_text(problem));
    });
}

/// On another thread.
void Applying::read(const sys::Paths& paths, const units::ControlGroups& control_groups,
                    const ApplySpec& spec, Read& found)
{
    const sys::Generations generations = generations_of(paths);
    units::Places places = sys::places_of(paths);
    if (spec.from != ApplySpec::From::directory) {
        const bool is_former = spec.from == ApplySpec::From::former;
        found.generation = is_former ? generations.former() : spec.generation;
        const auto folder = generations.folder_of(found.generation.value_or(0));
        if (!folder) {
            const std::string which =
                is_former ? "the former generation" : fmt::format("generation {}", spec.generation);
            found.problems.push_back(no_generation(generations, which));
            return;
        }
        places = units::places_in(*folder);
    }
    const auto collected = units::collect(places);
    const auto configuration = units::load_configuration(collected);
    found.problems = problems_of(configuration, paths, control_groups);
    if (!found.problems.empty()) return;
    found.units = engine::configure(configuration.units);
    found.channels = configuration.daemon.spec.channels;
    found.environments = engine::digests_of(found.units);
    if (found.generation) return;
    if (auto staged = generations.stage(sys::files_of(collected)); !staged)
        found.problems.push_back({paths.lib / "generations", 0, 0, "",
                                  "cannot be stored: " + staged.error().text(), ""});
}

void Applying::hand_over(const ApplySpec& spec, Read& found,
                         const std::function<void(const Answer&)>& done)
{
    if (!found.problems.empty()) return done(std::move(found.problems));
    engine::ApplyOrder order;
    order.units = std::move(found.units);
    order.by = spec.by;
    order.why = spec.why;
    if (spec.if_it_fails == ApplySpec::IfItFails::stay)
        order.if_it_fails = engine::ApplyOrder::IfItFails::stay;
    order.store = [this, number = found.generation, environments = std::move(found.environments)](
                      engine::ApplyOrder::Stored stored) {
        const auto result = std::make_shared<Result<std::uint64_t>>(std::uint64_t{0});
        loop_.offload(
            [paths = paths_, number, environments, result] {
                const sys::Generations generations = generations_of(paths);
                *result =
                    number ? generations.put_in_force(*number) : generations.put_staged_in_force();
                // Without it `keel plan` shows nothing of environment files, and no more.
                if (*result) (void)generations.note_environments(environments);
            },
            [result, stored = std::move(stored)] { stored(*result); });
    };
    // Units that are on trial are to be heard of where their configuration says.
    const units::Channels former = notifier_.channels();
    units::Channels both = former;
    both.insert(found.channels.begin(), found.channels.end());
    notifier_.set_channels(both);
    auto refusal =
        engine_.apply(std::move(order), [this, former, wanted = std::move(found.channels),
                                         done](const core::ApplyView& view) {
            const bool is_former = view.outcome == core::ApplyView::Outcome::reverted;
            notifier_.set_channels(is_former ? former : wanted);
            done(view);
        });
    if (!refusal) return;
    notifier_.set_channels(former);
    done(std::move(*refusal));
}

} // namespace keel
