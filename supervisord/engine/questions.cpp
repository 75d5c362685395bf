// ports::Supervisor: what others may ask of the engine.
#include "engine/engine.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::engine {

core::PidOf Engine::pid_of() const
{
    return [this](SpawnId spawn) -> std::optional<int> {
        const auto found = processes_.find(number(spawn));
        if (found == processes_.end()) return std::nullopt;
        return found->second.pid;
    };
}

std::string Engine::headline() const
{
    core::CountBy<core::UnitStatus> counts{};
    for (const UnitId id : host_.start_order())
        ++counts[static_cast<std::size_t>(core::status_of(host_.spec(id), host_.unit(id)))];
    std::string text = fmt::format("{} units", host_.size());
    for (std::size_t i = 0; i < counts.size(); ++i)
        if (counts[i] != 0)
            text += fmt::format("{} {} {}", text.ends_with("units") ? ":" : ",", counts[i],
                                names_of<core::UnitStatus>[i]);
    return text;
}

std::vector<core::UnitView> Engine::units() const
{
    std::vector<core::UnitView> views;
    for (const UnitId id : host_.start_order())
        views.push_back(core::make_view(host_, id, pid_of(), ports_.loop.now()));
    for (std::size_t i = 0; i < views.size(); ++i)
        add_progress(host_.start_order()[i], views[i]);
    std::ranges::sort(views, {}, &core::UnitView::name);
    return views;
}

std::optional<core::UnitView> Engine::unit(std::string_view name) const
{
    const auto id = host_.find(name);
    if (!id) return std::nullopt;
    core::UnitView view = core::make_view(host_, *id, pid_of(), ports_.loop.now());
    add_progress(*id, view);
    return view;
}

std::optional<core::WhyView> Engine::why(std::string_view name) const
{
    constexpr std::size_t steps_shown = 20;
    const auto id = host_.find(name);
    if (!id) return std::nullopt;
    return core::make_why(host_, *id, pid_of(), feed_.of_unit(name, steps_shown),
                          ports_.loop.now());
}

std::vector<core::OutageView> Engine::outages() const
{
    const Now now = ports_.loop.now();
    std::vector<core::OutageView> views;
    for (const UnitId id : host_.start_order()) {
        const core::Unit& unit = host_.unit(id);
        for (const core::OutageFold* fold : {&unit.outage, &unit.degradation})
            if (auto open = core::make_view(*fold, now)) views.push_back(std::move(*open));
    }
    for (const core::Outage& ended : ended_)
        views.push_back(core::make_view(ended, now));
    for (core::OutageView& view : views)
        view.last_words = last_words_of(view.record.id);
    std::ranges::sort(views, std::greater{}, [](const auto& v) { return number(v.record.id); });
    return views;
}

const core::UnitCounters& Engine::counters_of(std::string_view unit) const
{
    static const core::UnitCounters none;
    const auto id = host_.find(unit);
    return id ? unit_counters_[number(*id)] : none;
}

std::vector<std::string> Engine::probe_names(std::string_view unit) const
{
    std::vector<std::string> names;
    if (const auto id = host_.find(unit))
        for (const units::ProbeSpec& probe : host_.spec(*id).probes)
            names.push_back(probe.name);
    return names;
}

namespace {

/// ` for 30 min, its process left running`; nothing for another verb.
std::string terms_of(const ports::RequestSpec& what)
{
    if (what.verb != core::Verb::hold) return {};
    const bool stays = what.hold.process == core::Held::Process::left_running;
    return (what.hold.span ? " for " + to_human(*what.hold.span) : "") +
           (stays ? ", its process left running" : "");
}

} // namespace

namespace {

/// A stop or a hold takes precedence over a deployment, whoever asked for that.
std::optional<ports::Refusal> obstacle(const ports::RequestSpec& what, const core::Unit& unit)
{
    const auto conflict = ports::Refusal::Kind::conflict;
    const bool pre_empts = what.verb == core::Verb::stop || what.verb == core::Verb::hold;
    const bool gives_way = unit.operation && core::is_deployment(unit.operation->verb);
    if (unit.operation && !(pre_empts && gives_way))
        return ports::Refusal{conflict,
                              fmt::format("{} by {} is under way on `{}`",
                                          name(unit.operation->verb), unit.operation->by,
                                          what.unit),
                              core::make_view(*unit.operation)};
    if (unit.deployment && core::is_deployment(what.verb))
        return ports::Refusal{
            conflict,
            fmt::format("{} by {} is under way on `{}`",
                        core::title_of(unit.deployment->kind, unit.deployment->release),
                        unit.deployment->by, what.unit),
            {}};
    return std::nullopt;
}

/// Whether it asks for what was asked for before, as far as that is on record.
bool is_same(const KeyedOperation& known, const ports::RequestSpec& what)
{
    return known.record.unit == what.unit && known.record.verb == what.verb &&
           known.record.slot == what.slot && known.deploy.value_or(what.deploy) == what.deploy;
}

/// What its key was used for.
std::string use_of(const KeyedOperation& known)
{
    const bool has_release = known.deploy && !known.deploy->release.empty();
    return fmt::format("this key was used for the {} of `{}`{}, operation {}",
                       name(known.record.verb), known.record.unit,
                       has_release ? " with the release " + known.deploy->release : "",
                       number(known.record.id));
}

} // namespace

std::variant<OperationId, ports::Refusal> Engine::request(const ports::RequestSpec& what, Done done)
{
    using enum ports::Refusal::Kind;
    if (const auto* known = operations_.find_by_key(what.key)) {
        if (!is_same(*known, what)) return ports::Refusal{key_reused, use_of(*known), {}};
        hear_of(known->record, std::move(done));
        return known->record.id;
    }
    const auto id = host_.find(what.unit);
    if (!id)
        return ports::Refusal{no_such_unit, fmt::format("there is no unit `{}`", what.unit), {}};
    const core::Unit& unit = host_.unit(*id);
    if (host_.is_shutting_down()) return ports::Refusal{stopping, "keeld is stopping", {}};
    if (!unit.config_problem.empty()) return ports::Refusal{unusable, unit.config_problem, {}};
    if (auto refusal = obstacle(what, unit)) return *refusal;
    if (rollout_ && core::is_deployment(what.verb))
        return ports::Refusal{
            conflict, "an apply is under way, which a release would interfere with", {}};
    if (unit.before_leaving)
        return ports::Refusal{
            conflict, fmt::format("an apply is about to remove `{}`", what.unit), {}};
    if (what.slot && (*what.slot < 1 || *what.slot > host_.spec(*id).instances))
        return ports::Refusal{
            no_such_unit, fmt::format("`{}` has no instance {}", what.unit, *what.slot), {}};

    const OperationId operation = next_operation_;
    next_operation_ = OperationId{number(operation) + 1};
    operations_.add({{operation,
                      what.unit,
                      what.slot,
                      what.verb,
                      what.by,
                      what.why,
                      ports_.loop.now().wall,
                      {},
                      {},
                      {}},
                     what.key,
                     what.deploy});
    ports_.ledger.keep(*operations_.find(operation));
    operations_.wait_for(operation, std::move(done));
    say(*id, what.unit, "operation",
        fmt::format("{} asked for by {}{}{}", name(what.verb), what.by, terms_of(what),
                    what.why.empty() ? "" : ": " + what.why));
    core::Asked asked{operation, what.verb, what.by, what.why, what.slot, what.hold};
    asked.deploy = what.deploy;
    post(core::Request{*id, std::move(asked)});
    return operation;
}

void Engine::hear_of(const core::OperationRecord& record, Done done)
{
    if (!record.outcome) return operations_.wait_for(record.id, std::move(done));
    const core::OperationResult result{record.id, record.verb, *record.outcome, record.text};
    ports_.loop.defer([done = std::move(done), result] { done(result); });
}

std::vector<core::OperationRecord> Engine::operations() const
{
    auto records = operations_.list();
    for (core::OperationRecord& record : records) {
        const auto unit = host_.find(record.unit);
        if (record.outcome || !unit || !host_.unit(*unit).operation) continue;
        record.text = core::make_view(*host_.unit(*unit).operation).step;
    }
    return records;
}

namespace {

/// What nobody asked for on its own: a part of an apply, or nothing at all.
ports::Refusal refuse_to_cancel(const core::Host& host, OperationId id)
{
    using enum ports::Refusal::Kind;
    for (const UnitId unit : host.start_order()) {
        const auto& operation = host.unit(unit).operation;
        if (!operation || operation->id != id) continue;
        return {too_late,
                fmt::format("operation {} is Keel's own, for {}: only a stop or a hold of {} "
                            "takes precedence over it",
                            number(id), operation->by, host.spec(unit).name),
                {}};
    }
    return {no_such_operation, fmt::format("there is no operation {}", number(id)), {}};
}

} // namespace

std::optional<ports::Refusal> Engine::cancel(OperationId id, const std::string& by)
{
    using enum ports::Refusal::Kind;
    const auto* record = operations_.find(id);
    if (record == nullptr) return refuse_to_cancel(host_, id);
    if (record->outcome)
        return ports::Refusal{
            too_late, fmt::format("operation {} is over: {}", number(id), record->text), {}};
    if (!core::can_be_cancelled(record->verb))
        return ports::Refusal{
            too_late,
            fmt::format("a {} goes to its end; a start undoes it", name(record->verb)),
            {}};
    const auto unit = host_.find(record->unit);
    if (unit) post(core::ForUnit{*unit, core::CancelAsked{id, by}});
    return std::nullopt;
}

std::vector<core::EventView> Engine::events_after(std::uint64_t after_id, std::size_t limit) const
{
    return feed_.after(after_id, limit);
}

std::unique_ptr<ports::Supervisor::Subscription>
Engine::subscribe(std::function<void(const core::EventView&)> handler)
{
    return feed_.subscribe(std::move(handler));
}

} // namespace keel::engine
