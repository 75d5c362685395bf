// The documents of deployments: one under way, what one would do, which releases there are.
#include "base/release_id.hpp"
#include "base/text.hpp"
#include "control/json_codec.hpp"
#include "control/json_reading.hpp"
#include "control/json_writing.hpp"

#include <fmt/format.h>

namespace keel::control {

// ---- to JSON ------------------------------------------------------------------------------------

void write(JsonWriter& out, const core::DeploymentView& deployment)
{
    out.begin_object()
        .member("number", deployment.number)
        .member("kind", name(deployment.kind))
        .member("release", deployment.release)
        .member_if_any("former", deployment.from)
        .member("by", deployment.by);
    member(out, "since", deployment.since);
    out.key("steps").begin_list();
    for (const auto& step : deployment.steps)
        out.begin_object()
            .member("name", step.name)
            .member("status", name(step.status))
            .end_object();
    out.end_list()
        .member("step", deployment.step)
        .member_if_any("failure", deployment.failure)
        .member("bytes", deployment.bytes)
        .member("total", deployment.total)
        .end_object();
}

namespace {

void write(JsonWriter& out, const core::ReleasesView::Entry& release)
{
    out.begin_object().member("id", release.id);
    member(out, "since", release.since);
    out.key("bytes");
    release.bytes > 0 ? out.value(release.bytes) : out.null();
    out.member("current", release.is_current)
        .member("good", release.is_good)
        .member("rollback_target", release.is_target)
        .member("instances", release.instances)
        .end_object();
}

void write(JsonWriter& out, const core::DeniedRelease& denied)
{
    out.begin_object().member("id", denied.id);
    member(out, "since", denied.since);
    out.member("why", denied.why).end_object();
}

} // namespace

std::string encode(const core::ReleasesView& releases)
{
    JsonWriter out;
    out.begin_object().key("releases").begin_list();
    for (const auto& release : releases.known)
        write(out, release);
    out.end_list().key("denied").begin_list();
    for (const auto& denied : releases.denied)
        write(out, denied);
    return out.end_list().end_object().take();
}

std::string encode(const core::DeployOutline& outline)
{
    JsonWriter out;
    out.begin_object()
        .member_if_any("release", outline.release)
        .member_if_any("former", outline.from);
    write_list(out, "steps", outline.steps);
    return out.member_if_any("objection", outline.objection).end_object().take();
}

// ---- from JSON ----------------------------------------------------------------------------------

namespace {

/// A status of a later version counts as one under way.
core::DeploymentView::Step step_from(const Json& json)
{
    return {text(json, "name"), enumerator(json, "status", core::DeployStep::Status::doing)};
}

core::ReleasesView::Entry release_from(const Json& json)
{
    return {text(json, "id"),
            moment(json, "since"),
            count<std::uint64_t>(json, "bytes"),
            truth(json, "current"),
            truth(json, "good"),
            truth(json, "rollback_target"),
            count<unsigned>(json, "instances")};
}

core::DeniedRelease denied_from(const Json& json)
{
    return {text(json, "id"), moment(json, "since"), text(json, "why")};
}

std::string checked_release(const Json& json)
{
    std::string release = text(json, "release");
    if (!release.empty() && !is_release_id(release))
        throw Unexpected(fmt::format("`release` is no ID of a release: at most {} letters, digits "
                                     "and `.`, `_`, `+`, `-`, of which the first is a letter or a "
                                     "digit, and not ending in .partial or .sha256",
                                     release_id_bytes_max));
    return release;
}

std::string checked_file(const Json& json)
{
    std::string file = text(json, "file");
    if (file.empty()) return file;
    if (file.size() > file_bytes_max)
        throw Unexpected(fmt::format("`file` is longer than {} bytes", file_bytes_max));
    if (!file.starts_with('/')) throw Unexpected("`file` is not absolute: it begins with no slash");
    if (printable(file, file_bytes_max) != file)
        throw Unexpected("`file` is no plain text: a control character is in it");
    return file;
}

} // namespace

core::DeploymentView deployment_from(const Json& json)
{
    core::DeploymentView deployment;
    deployment.number = count<std::uint64_t>(json, "number");
    deployment.kind = enumerator(json, "kind", core::UnitDeployment::Kind::deploy);
    deployment.release = text(json, "release");
    deployment.from = text(json, "former");
    deployment.by = text(json, "by");
    deployment.since = moment(json, "since");
    deployment.steps = list<core::DeploymentView::Step>(json, "steps", step_from);
    deployment.step = text(json, "step");
    deployment.failure = text(json, "failure");
    deployment.bytes = count<std::uint64_t>(json, "bytes");
    if (!is_absent(json, "total")) deployment.total = count<std::uint64_t>(json, "total");
    return deployment;
}

core::DeployTerms deploy_terms_from(const Json& json)
{
    return {checked_release(json), checked_file(json)};
}

Result<core::ReleasesView> decode_releases(std::string_view json)
{
    return decode<core::ReleasesView>(json, [](const Json& document) {
        return core::ReleasesView{
            list<core::ReleasesView::Entry>(document, "releases", release_from),
            list<core::DeniedRelease>(document, "denied", denied_from)};
    });
}

Result<core::DeployOutline> decode_outline(std::string_view json)
{
    return decode<core::DeployOutline>(json, [](const Json& document) {
        return core::DeployOutline{text(document, "objection"), text(document, "release"),
                                   text(document, "former"),
                                   list<std::string>(document, "steps", sentence_from)};
    });
}

} // namespace keel::control
