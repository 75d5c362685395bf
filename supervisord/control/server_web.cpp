// The answers that are for browsers: the dashboard, the way into it, the status page.
#include "base/text.hpp"
#include "control/answers.hpp"
#include "control/host_names.hpp"
#include "control/page_answers.hpp"
#include "control/server.hpp"
#include "web/assets.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

namespace keel::control {
namespace {

using Exchanged = std::shared_ptr<Exchange>;

constexpr const char* content_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'";

constexpr std::array content_types = std::to_array<std::pair<std::string_view, const char*>>({
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".svg", "image/svg+xml"},
});

HttpAnswer page_part(std::shared_ptr<const std::string> text, const char* type, int status)
{
    HttpAnswer answer;
    answer.status = status;
    answer.content_type = type;
    answer.body = std::move(text);
    answer.headers = {{"Cache-Control", "no-store"},
                      {"Content-Security-Policy", content_policy},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      {"Referrer-Policy", "no-referrer"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"X-Frame-Options", "DENY"}};
    return answer;
}

/// A page of the files, with its one gap filled in.
std::string filled(std::string_view name, std::string_view gap, std::string_view text)
{
    std::string page(web::find_asset(name)->text);
    if (const auto at = page.find(gap); at != std::string::npos) page.replace(at, gap.size(), text);
    return page;
}

} // namespace

HttpAnswer html_answer(std::shared_ptr<const std::string> html, int status)
{
    return page_part(std::move(html), content_types.front().second, status);
}

HttpAnswer html_answer(std::string html, int status)
{
    return html_answer(std::make_shared<const std::string>(std::move(html)), status);
}

void answer_with_file(const Exchanged& exchange, std::string_view name)
{
    if (const web::Asset* asset = web::find_asset(name))
        for (const auto& [ending, type] : content_types)
            if (name.ends_with(ending))
                return exchange->answer(
                    page_part(std::make_shared<const std::string>(asset->text), type, 200));
    exchange->answer(problem_answer({404,
                                     "urn:keel:problem:no-such-path",
                                     "Not Found",
                                     fmt::format("there is no file {}", printable(name, 64)),
                                     {},
                                     {}}));
}

void ControlServer::refuse_without_pass(const Exchanged& exchange, Route route)
{
    if (route == Route::dashboard)
        return exchange->answer(html_answer(
            filled("pass.html", "{{why}}", "The dashboard is for the people who run this host."),
            401));
    auto answer = problem_answer({401,
                                  "urn:keel:problem:no-pass",
                                  "Unauthorized",
                                  "this needs a pass",
                                  "`keel web` prints a link that opens it in a browser; programs "
                                  "send the token of http.token_file as Authorization: Bearer",
                                  {}});
    answer.headers.emplace_back("WWW-Authenticate", "Bearer");
    exchange->answer(std::move(answer));
}

void ControlServer::answer_link(const Exchanged& exchange)
{
    if (pages_host_.empty())
        return exchange->answer(problem_answer(
            {422,
             "urn:keel:problem:no-pages",
             "There are no pages",
             "keeld listens on no port for pages",
             "`listen` in [http] of keel.toml names one; if it does, keeld's log says more",
             {}}));
    if (tls_ && !tls_->has_certificate())
        return exchange->answer(
            problem_answer({422,
                            "urn:keel:problem:no-certificate",
                            "There is no certificate",
                            "the port for pages speaks TLS, and has no certificate that it can use",
                            "`keel check` tells what is wrong with the files of [http.tls]",
                            {}}));
    const Now now = sources_.loop.now();
    const std::string url = fmt::format("{}/enter/{}", pages_url(), web_.new_link(now));
    exchange->answer(json_answer(encode(WebLink{url, now.wall + WebAccess::link_life})));
}

/// The page that is answered goes on to the dashboard by itself. A redirect would not do: the
/// cookie is for this site alone, and a browser that another site sent here would not show it yet.
void ControlServer::answer_enter(const Exchanged& exchange, const std::string& code)
{
    if (exchange->request().method != "GET") // Something that only wants to know what it is.
        return exchange->answer(html_answer(std::string()));
    const auto secret = web_.use_link(code, sources_.loop.now());
    if (!secret)
        return exchange->answer(
            html_answer(filled("pass.html", "{{why}}",
                               "This link was used already, or is older than two minutes."),
                        401));
    pass_watch_.look(); // One more session may have been one too many.
    auto answer = html_answer(std::string(web::find_asset("enter.html")->text));
    answer.headers.emplace_back("Set-Cookie", cookie(*secret, WebAccess::session_life));
    exchange->answer(std::move(answer));
}

/// With its session, all that was opened with it ends.
void ControlServer::answer_leave(const Exchanged& exchange)
{
    if (const auto pass = pass_of(exchange->request())) web_.end(pass->session);
    pass_watch_.look();
    auto answer = html_answer(filled("pass.html", "{{why}}", "You have left the dashboard."));
    answer.headers.emplace_back("Set-Cookie", cookie("", {}));
    exchange->answer(std::move(answer));
}

std::optional<WebAccess::Pass> ControlServer::pass_of(const HttpRequest& request)
{
    return web_.pass_of({request.authorization, cookie_named(request.cookies, cookie_name_)},
                        sources_.loop.now());
}

/// The header that has a browser keep a session's secret for `life`.
std::string ControlServer::cookie(std::string_view secret, Duration life) const
{
    return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", cookie_name_,
                       secret, std::chrono::floor<std::chrono::seconds>(life).count(),
                       tls_ ? "; Secure" : "");
}

/// By a name that the certificate has, where one leads here: browsers trust no other.
std::string ControlServer::pages_url() const
{
    std::string host = pages_host_;
    const auto has = [this](std::string_view name) {
        return names_this_host(name, tls_->names()) && name != "localhost";
    };
    const bool is_loopback = host.starts_with("127.") || host == "[::1]";
    if (tls_ && is_loopback && std::ranges::find(tls_->names(), "localhost") != tls_->names().end())
        host = "localhost";
    if (tls_ && !is_loopback) {
        std::vector<std::string> candidates = options_.host_names;
        std::ranges::copy(tls_->names(), std::back_inserter(candidates));
        std::erase_if(candidates,
                      [&](const auto& name) { return name.starts_with("*.") || !has(name); });
        if (!candidates.empty()) host = candidates.front();
    }
    return fmt::format("{}://{}:{}", tls_ ? "https" : "http", host, pages_port_);
}

} // namespace keel::control
