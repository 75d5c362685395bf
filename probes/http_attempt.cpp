#include "probes/http_attempt.hpp"

#include "base/text.hpp"
#include "units/expression.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::probes {

using core::VerdictKind;
using transfer::HttpEnd;
using transfer::HttpRequest;
using transfer::Want;

namespace {

/// Searches of no more steps than this, about a millisecond, are not worth another thread.
constexpr std::size_t steps_on_loop = 200'000;
constexpr std::size_t shown_max = 64; // bytes of foreign text in a detail

HttpRequest request_for(const units::HttpTarget& target)
{
    constexpr std::string_view unix_scheme = "unix:";
    HttpRequest request;
    request.url = target.url;
    if (target.url.starts_with(unix_scheme)) {
        const std::size_t colon = target.url.find(":/", unix_scheme.size());
        request.unix_socket = target.url.substr(unix_scheme.size(), colon - unix_scheme.size());
        request.url =
            "http://localhost" + target.url.substr(std::min(colon + 1, target.url.size()));
    }
    request.method = target.method;
    request.headers = target.headers;
    request.tls = target.tls_verify ? HttpRequest::Tls::verify : HttpRequest::Tls::accept_anyone;
    request.tls_ca = target.tls_ca;
    request.redirects =
        target.follow_redirects ? HttpRequest::Redirects::follow : HttpRequest::Redirects::report;
    return request;
}

} // namespace

HttpAttempt::HttpAttempt(ports::Loop& loop, transfer::HttpClient& client, units::HttpTarget target,
                         Duration timeout, Finished finished)
    : Attempt(loop, timeout, std::move(finished)), client_(client), target_(std::move(target))
{}

void HttpAttempt::begin()
{
    transfer_ = client_.start(request_for(target_),
                              {[this](int status) { return on_head(status); },
                               [this](std::string_view bytes) { return on_body(bytes); },
                               [this](const HttpEnd& end) { on_end(end); }});
}

bool HttpAttempt::status_passes() const
{
    return std::any_of(target_.status.begin(), target_.status.end(), [this](const auto& range) {
        return range.low <= status_ && status_ <= range.high;
    });
}

Want HttpAttempt::on_head(int status)
{
    status_ = status;
    return status_passes() && !target_.body.empty() ? Want::more : Want::enough;
}

Want HttpAttempt::on_body(std::string_view bytes)
{
    body_ += bytes.substr(0, body_max - body_.size());
    return body_.size() < body_max ? Want::more : Want::enough;
}

void HttpAttempt::on_end(const HttpEnd& end)
{
    switch (end.kind) {
    case HttpEnd::Kind::complete:
    case HttpEnd::Kind::enough: break;
    case HttpEnd::Kind::refused: return fail(VerdictKind::refused, end.text);
    case HttpEnd::Kind::reset: return fail(VerdictKind::reset, end.text);
    case HttpEnd::Kind::tls: return fail(VerdictKind::tls, end.text);
    case HttpEnd::Kind::missing_name: return fail(VerdictKind::dns, end.text);
    case HttpEnd::Kind::unavailable_name: return unknown(VerdictKind::dns, end.text);
    case HttpEnd::Kind::protocol: return fail(VerdictKind::status, end.text);
    case HttpEnd::Kind::internal: return unknown(VerdictKind::internal, end.text);
    }
    if (!status_passes()) return fail(VerdictKind::status, fmt::format("status {}", status_));
    if (target_.body.empty()) return judge_body(true);
    search();
}

void HttpAttempt::search()
{
    auto expression = std::make_shared<const units::Expression>(target_.body);
    if (!expression->problem().empty())
        return unknown(VerdictKind::internal,
                       fmt::format("no regular expression: {}", expression->problem()));
    if (expression->steps_for(body_.size()) <= steps_on_loop)
        return judge_body(expression->found_in(body_));
    struct Search {
        std::shared_ptr<const units::Expression> expression;
        std::string body;
        bool matches = false;
    };
    const auto job =
        std::make_shared<Search>(Search{std::move(expression), std::move(body_), false});
    body_.clear();
    loop_.offload([job] { job->matches = job->expression->found_in(job->body); },
                  [this, job, alive = std::weak_ptr(alive_)] {
                      if (!alive.expired()) judge_body(job->matches);
                  });
}

void HttpAttempt::judge_body(bool matches)
{
    if (matches) return pass(fmt::format("{} in {}", status_, to_human(elapsed())));
    fail(VerdictKind::body, fmt::format("status {}, but no match for `{}` in the body", status_,
                                        printable(target_.body, shown_max)));
}

void HttpAttempt::on_timeout()
{
    using enum transfer::HttpTransfer::Phase;
    switch (transfer_->phase()) {
    case resolving:
        return unknown(VerdictKind::dns, "no answer from the resolver within " + limit());
    case connecting: return fail(VerdictKind::timeout, "no connection within " + limit());
    case shaking_hands: return fail(VerdictKind::timeout, "no TLS handshake within " + limit());
    case waiting: return fail(VerdictKind::timeout, "no answer within " + limit());
    case receiving: break;
    }
    fail(VerdictKind::timeout,
         fmt::format("status {}, but the body was not complete within {}", status_, limit()));
}

} // namespace keel::probes
