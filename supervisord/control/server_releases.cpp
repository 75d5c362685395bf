// The answers about releases: which there are, and what a deployment would do.
#include "base/release_id.hpp"
#include "base/text.hpp"
#include "control/answers.hpp"
#include "control/deploy_request.hpp"
#include "control/server.hpp"

#include <fmt/format.h>

namespace keel::control {

std::optional<std::string> wrong_terms(const ChangeRequest& change, core::Verb verb)
{
    using core::Verb;
    const auto& [release, file] = change.deploy;
    if (change.trial == ChangeRequest::Trial::dry_run && !core::is_deployment(verb))
        return "`dry_run` is for a deploy and a rollback";
    if (!file.empty() && verb != Verb::deploy) return "`file` is for a deploy";
    if (!release.empty() && verb == Verb::rollback)
        return "a rollback leads to the last good release, whichever that is: no `release` is said";
    if (!release.empty() && verb != Verb::deploy && verb != Verb::undeny)
        return "`release` is for a deploy and an undeny";
    if (verb != Verb::deploy || !release.empty()) return std::nullopt;
    if (file.empty()) return "a deploy needs `release`, or a `file` that is called as its release";
    const auto called = release_called_as(file);
    if (is_release_id(called)) return std::nullopt;
    return fmt::format("`{}`, as the file is called, is no ID of a release: say one in `release`",
                       printable(called, release_id_bytes_max));
}

core::DeployTerms complete_terms(const ChangeRequest& change)
{
    core::DeployTerms terms = change.deploy;
    if (terms.release.empty()) terms.release = release_called_as(terms.source);
    return terms;
}

void ControlServer::answer_releases(const std::shared_ptr<Exchange>& exchange,
                                    const std::string& name)
{
    const auto releases = sources_.supervisor.releases(name);
    if (!releases) return refuse(exchange, no_such_unit(name, sources_.supervisor));
    exchange->answer(json_answer(encode(*releases)));
}

void ControlServer::answer_outline(const std::shared_ptr<Exchange>& exchange,
                                   const ports::RequestSpec& spec)
{
    const auto outline = sources_.supervisor.plan_deployment(spec);
    if (const auto* refusal = std::get_if<ports::Refusal>(&outline))
        return refuse(exchange, from_refusal(*refusal));
    exchange->answer(json_answer(encode(std::get<core::DeployOutline>(outline))));
}

} // namespace keel::control
