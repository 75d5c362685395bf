#include "control/answers.hpp"

#include "base/text.hpp"

#include <charconv>
#include <fmt/format.h>

namespace keel::control {
namespace {

HttpAnswer answer_of(int status, const char* content_type, std::string body)
{
    HttpAnswer answer;
    answer.status = status;
    answer.content_type = content_type;
    answer.body = std::make_shared<const std::string>(std::move(body));
    answer.headers.emplace_back("Cache-Control", "no-store");
    answer.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return answer;
}

} // namespace

HttpAnswer json_answer(std::string json, int status)
{
    return answer_of(status, "application/json", std::move(json));
}

HttpAnswer text_answer(std::string text, int status)
{
    return answer_of(status, "text/plain; charset=utf-8", std::move(text));
}

HttpAnswer problem_answer(const Problem& problem)
{
    return answer_of(problem.status, "application/problem+json", encode(problem));
}

Problem no_such_unit(std::string_view name, const ports::Supervisor& supervisor)
{
    Problem problem{404, "urn:keel:problem:no-such-unit", "No such unit", {}, {}, {}};
    problem.detail = fmt::format("there is no unit `{}`", printable(name, 64));
    const auto units = supervisor.units();
    std::vector<std::string_view> names;
    for (const auto& unit : units)
        names.push_back(unit.name);
    if (const auto near = nearest(name, names))
        problem.hint = fmt::format("did you mean `{}`?", *near);
    return problem;
}

Problem no_such_outage(std::string_view id, std::string_view missing)
{
    Problem problem{404, "urn:keel:problem:no-such-outage", "No such outage", {}, {}, {}};
    problem.detail = fmt::format("there is no outage {} on record", printable(id, 64));
    problem.hint = missing.empty()
                       ? "`keel outages` lists them"
                       : fmt::format("the ledger cannot be read: {}", printable(missing));
    return problem;
}

Problem bad_request(std::string detail, std::string hint)
{
    return {400, "urn:keel:problem:bad-request", "Bad request", std::move(detail), std::move(hint),
            {}};
}

Problem from_refusal(const ports::Refusal& refusal)
{
    using Kind = ports::Refusal::Kind;
    switch (refusal.kind) {
    case Kind::no_such_unit:
        return {404, "urn:keel:problem:no-such-unit", "No such unit", refusal.text, {}, {}};
    case Kind::conflict:
        return {409, "urn:keel:problem:conflict", "Another operation is in the way", refusal.text,
                {},  refusal.in_the_way};
    case Kind::no_such_operation:
        return {404,          "urn:keel:problem:no-such-operation", "No such operation",
                refusal.text, "`keel operations` lists them",       {}};
    case Kind::too_late:
        return {422,
                "urn:keel:problem:too-late",
                "The operation cannot be cancelled",
                refusal.text,
                "`keel operations` shows what is under way",
                {}};
    case Kind::key_reused:
        return {422,          "urn:keel:problem:key-reused",   "The key belongs to another request",
                refusal.text, "a new request takes a new key", {}};
    case Kind::unusable:
        return {422,
                "urn:keel:problem:unusable",
                "The unit cannot be used",
                refusal.text,
                "`keel check` names what is wrong with its file",
                {}};
    case Kind::stopping:
        return {503, "urn:keel:problem:stopping", "keeld is stopping", refusal.text, {}, {}};
    }
    return {500, {}, "Internal Server Error", refusal.text, {}, {}};
}

void refuse(const std::shared_ptr<Exchange>& exchange, const Problem& problem)
{
    exchange->answer(problem_answer(problem));
}

Problem bad_number(std::string_view key, std::uint64_t limit)
{
    return bad_request(fmt::format("`{}` is not a number from 0 to {}", key, limit));
}

Problem bad_since()
{
    return bad_request("`since` is not a time in UTC as RFC 3339 has it",
                       "2025-01-31T09:15:02.482Z");
}

std::optional<std::uint64_t> whole_number(std::string_view text, std::uint64_t limit)
{
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size() || value > limit)
        return std::nullopt;
    return value;
}

std::optional<std::uint64_t> number_argument(const HttpRequest& request, std::string_view key,
                                             std::uint64_t otherwise, std::uint64_t limit)
{
    const auto text = request.argument(key);
    return text ? whole_number(*text, limit) : otherwise;
}

} // namespace keel::control
