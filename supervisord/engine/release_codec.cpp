#include "engine/release_codec.hpp"

#include "base/release_id.hpp"
#include "engine/state_codec.hpp"

#include <algorithm>

namespace keel::engine {

using Strings = std::vector<std::string>;

using namespace state_json;
using namespace keel::core;

namespace {

json put_step(const DeployStep& step)
{
    return {put_name(step.kind), step.name, put_number(step.undo), put(step.limit),
            put_name(step.status)};
}

DeployStep get_step(const json& j)
{
    return {get_name<DeployStepKind>(j.at(0)), j.at(1),
            get_number(j.at(2), DeployStep::Undo::needed), duration(j.at(3)),
            get_name<DeployStep::Status>(j.at(4))};
}

json put_course(const Deployment& course)
{
    json steps = json::array();
    for (const DeployStep& step : course.steps)
        steps.push_back(put_step(step));
    return {{"steps", std::move(steps)},
            {"course", put_number(course.course)},
            {"failure", course.failure},
            {"fault", put_name(course.fault)}};
}

Deployment get_course(const json& j)
{
    Deployment course;
    for (const json& step : j.at("steps"))
        course.steps.push_back(get_step(step));
    course.course = get_number(j.at("course"), Deployment::Course::back);
    course.failure = j.at("failure");
    course.fault = get_name<DeployFault>(j.at("fault"));
    return course;
}

/// It becomes a part of paths.
std::string get_id(const json& j)
{
    std::string id = j.get<std::string>();
    if (!id.empty() && !is_release_id(id))
        throw json::other_error::create(596, "not the name of a release", &j);
    return id;
}

} // namespace

std::vector<std::string> get_ids(const json& j)
{
    std::vector<std::string> ids;
    for (const json& each : j)
        ids.push_back(get_id(each));
    return ids;
}

json put_releases(const Releases& releases)
{
    json known = json::array();
    for (const Release& each : releases.known)
        known.push_back({each.id, put(each.since), each.bytes, put_number(each.good)});
    json denied = json::array();
    for (const DeniedRelease& each : releases.denied)
        denied.push_back({each.id, put(each.since), each.why});
    return {{"current", releases.current},        {"known", std::move(known)},
            {"denied", std::move(denied)},        {"link", put_number(releases.link)},
            {"formers", releases.formers},        {"making", releases.making},
            {"deployments", releases.deployments}};
}

Releases get_releases(const json& j)
{
    Releases releases;
    releases.current = get_id(j.at("current"));
    for (const json& each : j.at("known"))
        releases.known.push_back({get_id(each.at(0)), wall(each.at(1)), each.at(2),
                                  get_number(each.at(3), Release::Good::yes)});
    for (const json& each : j.at("denied"))
        releases.denied.push_back({get_id(each.at(0)), wall(each.at(1)), each.at(2)});
    // Older records have neither.
    if (j.contains("formers")) releases.formers = get_ids(j.at("formers"));
    if (j.contains("link")) releases.link = get_number(j.at("link"), Releases::Link::behind);
    releases.making = j.at("making");
    releases.deployments = j.at("deployments");
    return releases;
}

json put_deployment(const std::optional<UnitDeployment>& d)
{
    if (!d) return nullptr;
    return {{"number", d->number},
            {"kind", put_name(d->kind)},
            {"asker", put_name(d->asker)},
            {"release", d->release},
            {"from", d->from},
            {"by", d->by},
            {"why", d->why},
            {"source", d->source},
            {"since", put(d->since)},
            {"operation", d->operation ? json(number(*d->operation)) : json(nullptr)},
            {"rung", d->rung},
            {"bytes", d->bytes},
            {"rolled", d->rolled},
            {"course", put_course(d->course)}};
}

std::optional<UnitDeployment> get_deployment(const json& j)
{
    if (j.is_null()) return std::nullopt;
    UnitDeployment d;
    d.number = j.at("number");
    d.kind = get_name<UnitDeployment::Kind>(j.at("kind"));
    d.asker = get_name<UnitDeployment::Asker>(j.at("asker"));
    d.release = get_id(j.at("release"));
    d.from = get_id(j.at("from"));
    d.by = j.at("by");
    d.why = j.at("why");
    d.source = j.at("source");
    d.since = wall(j.at("since"));
    if (!j.at("operation").is_null())
        d.operation = OperationId{j.at("operation").get<std::uint64_t>()};
    d.rung = j.at("rung");
    d.bytes = j.at("bytes");
    j.at("rolled").get_to(d.rolled);
    std::erase(d.rolled, whole_unit);
    d.course = get_course(j.at("course"));
    if (d.course.steps.empty() || d.release.empty())
        throw json::other_error::create(595, "a deployment of nothing", &j);
    return d;
}

json put_deploy_effect(const std::optional<DeployEffect>& effect)
{
    using enum DeployEffect::Stage;
    const bool is_spawned = effect && effect->stage != put_off && effect->stage != recorded;
    if (!is_spawned) return nullptr; // The next engine finds by itself that it is due.
    return {number(effect->spawn), effect->step, put(effect->due), effect->release,
            put_number(effect->about)};
}

std::optional<DeployEffect> get_deploy_effect(const json& j)
{
    if (j.is_null()) return std::nullopt;
    DeployEffect effect;
    effect.spawn = SpawnId{j.at(0).get<std::uint64_t>()};
    effect.step = j.at(1);
    effect.due = mono(j.at(2));
    effect.release = j.at(3);
    if (j.size() > 4) // An older record tells of removals by their release alone.
        effect.about = get_number(j.at(4), DeployEffect::About::link);
    else if (!effect.release.empty())
        effect.about = DeployEffect::About::removal;
    effect.stage = DeployEffect::Stage::left;
    return effect;
}

std::vector<std::string> removals_of(const Unit& unit)
{
    std::vector<std::string> all = unit.surplus;
    const auto& effect = unit.deploy_effect;
    if (effect && effect->about == DeployEffect::About::removal) all.push_back(effect->release);
    return all;
}

std::string encode_releases(const Unit& unit, const std::string& root)
{
    return text({{"root", root},
                 {"releases", put_releases(unit.releases)},
                 {"surplus", removals_of(unit)},
                 {"deployment", put_deployment(unit.deployment)}});
}

bool decode_releases(std::string_view record, const std::string& root, Unit& unit)
{
    return refuse_or(record, [&](const json& j) {
        if (j.at("root") != root) throw json::other_error::create(594, "of another root", &j);
        Releases releases = get_releases(j.at("releases"));
        auto deployment = get_deployment(j.at("deployment"));
        unit.surplus = j.contains("surplus") ? get_ids(j.at("surplus")) : Strings{};
        unit.releases = std::move(releases);
        unit.deployment = std::move(deployment);
    });
}

} // namespace keel::engine
