#include "control/server.hpp"

#include "base/ensure.hpp"
#include "base/host_name.hpp"
#include "base/text.hpp"
#include "control/answers.hpp"
#include "control/host_names.hpp"
#include "control/listeners.hpp"
#include "control/page_answers.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::control {
namespace {

std::uint64_t inode_of(const std::string& path)
{
    struct stat file {};
    return ::lstat(path.c_str(), &file) == 0 ? file.st_ino : 0;
}

Problem forbidden(Role has, Role needed)
{
    Problem problem{403, "urn:keel:problem:not-allowed", "Not allowed", {}, {}, {}};
    problem.detail =
        fmt::format("this needs the role {}, and you have the role {}", name(needed), name(has));
    problem.hint = needed == Role::operator_ ? "ask as root, or be a member of operators_group"
                                             : "be a member of readers_group or operators_group";
    return problem;
}

/// A query argument that the route does not know, and what may have been meant.
std::optional<Problem> unknown_argument(const HttpRequest& request, const RouteSpec& spec)
{
    for (const auto& [key, value] : request.query) {
        if (std::ranges::find(spec.arguments, key) != spec.arguments.end()) continue;
        const auto near = nearest(key, spec.arguments);
        return bad_request(fmt::format("unknown argument `{}`", printable(key, 64)),
                           near ? fmt::format("did you mean `{}`?", *near) : "");
    }
    return std::nullopt;
}

/// Of a route that changes a unit.
core::Verb verb_of(Route route)
{
    using core::Verb;
    constexpr std::array verbs =
        std::to_array<std::pair<Route, Verb>>({{Route::start, Verb::start},
                                               {Route::stop, Verb::stop},
                                               {Route::restart, Verb::restart},
                                               {Route::reload, Verb::reload},
                                               {Route::hold, Verb::hold},
                                               {Route::deploy, Verb::deploy},
                                               {Route::rollback, Verb::rollback},
                                               {Route::undeny, Verb::undeny}});
    const auto found = std::ranges::find(verbs, route, &std::pair<Route, Verb>::first);
    ENSURE(found != verbs.end(), "a route that changes a unit has its verb here");
    return found->second;
}

} // namespace

ControlServer::ControlServer(Sources sources, Options options)
    : sources_(std::move(sources)), options_(std::move(options)), own_uid_(::geteuid()),
      names_(sources_.loop), events_(sources_.loop, sources_.supervisor),
      web_(std::move(options_.web)), pass_watch_(sources_.loop, web_),
      status_pages_(sources_.loop, sources_.supervisor), begun_(sources_.loop.now().wall)
{
    std::ranges::copy(own_names(), std::back_inserter(options_.host_names));
}

ControlServer::~ControlServer()
{
    // A socket that another daemon has put in our place is left alone.
    if (!socket_path_.empty() && inode_of(socket_path_) == socket_inode_)
        ::unlink(socket_path_.c_str());
}

Result<void> ControlServer::listen_on_socket(const std::string& path)
{
    // The kernel admits one group only. Where readers have one of their own, everybody may connect,
    // and the role that serve() finds is what keeps strangers out.
    const ControlSocketAccess access{options_.groups.operators,
                                     options_.groups.readers ? mode_t{0666} : mode_t{0660}};
    auto listener = listen_on_path(path, access);
    if (!listener) return listener.error();
    auto server = HttpServer::start(
        sources_.loop, *listener, options_.control_limits,
        [this](const std::shared_ptr<Exchange>& exchange) {
            serve(exchange, ServedOn::control_only);
        },
        {.may_have_last_place = [this](int fd) { return may_have_last_place(fd); }});
    if (!server) return server.error();
    control_ = std::move(*server);
    socket_path_ = path;
    socket_inode_ = inode_of(path);
    return {};
}

Result<std::uint16_t> ControlServer::listen_for_pages(const std::string& address)
{
    const auto parsed = parse_tcp_address(address);
    if (!parsed) return Error{"not an address with a port:", address, 0};
    auto listener = listen_on_tcp(*parsed);
    if (!listener) return listener.error();
    const std::uint16_t port = bound_port(*listener);
    HttpDoor door;
    if (options_.tls.files.is_on()) {
        // Those that are cut off count until they have taken what was said to them.
        auto tls = TlsDoor::open(sources_.loop, options_.tls,
                                 std::size_t{2} * options_.page_limits.connections);
        if (!tls) {
            ::close(*listener);
            return tls.error();
        }
        tls_ = std::move(*tls);
        door.unwrap = [this](OwnedFd connection) { return tls_->admit(std::move(connection)); };
    }
    auto server = HttpServer::start(
        sources_.loop, *listener, options_.page_limits,
        [this](const std::shared_ptr<Exchange>& exchange) {
            serve(exchange, ServedOn::everywhere);
        },
        std::move(door));
    if (!server) return server.error();
    const bool is_any = parsed->host == "0.0.0.0" || parsed->host == "::";
    const bool is_v6 = parsed->host.find(':') != std::string::npos;
    pages_host_ = is_any ? host_name() : is_v6 ? fmt::format("[{}]", parsed->host) : parsed->host;
    pages_port_ = port;
    // A browser keeps cookies by host, whatever the port: there may be another keeld at another.
    cookie_name_ = fmt::format("{}keel-{}", tls_ ? "__Host-" : "", port);
    pages_ = std::move(*server);
    return port;
}

unsigned ControlServer::connections() const
{
    return (control_ ? control_->connections() : 0) + (pages_ ? pages_->connections() : 0);
}

bool ControlServer::is_asked_by_name(std::string_view host) const
{
    return names_this_host(host, options_.host_names) ||
           (tls_ && names_this_host(host, tls_->names()));
}

bool ControlServer::may_have_last_place(int fd) const
{
    const auto peer = peer_of(fd);
    return peer && role_of(*peer, options_.groups, own_uid_) == Role::operator_;
}

/// Everything that is asked before it matters what is asked.
void ControlServer::serve(const std::shared_ptr<Exchange>& exchange, ServedOn listener)
{
    const HttpRequest& request = exchange->request();
    const auto refuse = [&](const Problem& problem) { exchange->answer(problem_answer(problem)); };
    if (listener == ServedOn::everywhere && !is_asked_by_name(request.host))
        return refuse({421,
                       "urn:keel:problem:host",
                       "Misdirected Request",
                       "the Host header does not name this host",
                       "use its address",
                       {}});

    const auto found = find_route(request.method, request.path);
    if (const auto* wrong = std::get_if<WrongMethod>(&found)) {
        auto answer = problem_answer(
            {405, {}, "Method Not Allowed", "this path answers to " + wrong->allowed, {}, {}});
        answer.headers.emplace_back("Allow", wrong->allowed);
        return exchange->answer(std::move(answer));
    }
    const auto* match = std::get_if<RouteMatch>(&found);
    if (match == nullptr ||
        (listener == ServedOn::everywhere && match->spec->served_on == ServedOn::control_only))
        return refuse({404,
                       "urn:keel:problem:no-such-path",
                       "Not Found",
                       fmt::format("there is nothing at {}", printable(request.path, 128)),
                       {},
                       {}});

    Peer peer;
    if (listener == ServedOn::control_only) {
        const auto asked = peer_of(exchange->descriptor());
        if (asked) peer = *asked;
        const Role role = asked ? role_of(peer, options_.groups, own_uid_) : Role::nobody;
        if (role < match->spec->role) return refuse(forbidden(role, match->spec->role));
    }
    if (listener == ServedOn::everywhere && match->spec->served_on == ServedOn::with_pass) {
        const auto pass = pass_of(request);
        if (!pass) return refuse_without_pass(exchange, match->spec->route);
        const bool may_stream =
            match->spec->route == Route::events || match->spec->route == Route::log;
        if (may_stream && !pass->session.empty()) pass_watch_.watch(pass->session, exchange);
    }
    if (const auto problem = unknown_argument(request, *match->spec)) return refuse(*problem);
    dispatch(exchange, *match, peer);
}

void ControlServer::dispatch(const std::shared_ptr<Exchange>& exchange, const RouteMatch& match,
                             const Peer& peer)
{
    switch (match.spec->route) {
    case Route::units: return answer_units(exchange);
    case Route::unit: return answer_unit(exchange, match.name);
    case Route::why: return answer_why(exchange, match.name);
    case Route::log: return answer_log(exchange, match.name);
    case Route::start:
    case Route::stop:
    case Route::restart:
    case Route::reload:
    case Route::hold:
    case Route::deploy:
    case Route::rollback:
    case Route::undeny:
        return answer_change(exchange, verb_of(match.spec->route), match.name, peer.uid);
    case Route::releases: return answer_releases(exchange, match.name);
    case Route::probe: return answer_probe(exchange, match.name);
    case Route::operations:
        return exchange->answer(json_answer(encode(sources_.supervisor.operations())));
    case Route::operation: return answer_operation(exchange, match.name);
    case Route::cancel: return answer_cancel(exchange, match.name, peer.uid);
    case Route::apply: return answer_apply(exchange, peer.uid);
    case Route::events: return answer_events(exchange);
    case Route::outages: return answer_outages(exchange);
    case Route::outage: return answer_outage(exchange, match.name);
    case Route::report: return answer_report(exchange);
    case Route::version:
        return exchange->answer(
            json_answer(encode(VersionInfo{options_.version, "v1", host_name(),
                                           sources_.supervisor.ledger().since.value_or(begun_)})));
    case Route::link: return answer_link(exchange);
    case Route::enter: return answer_enter(exchange, match.name);
    case Route::leave: return answer_leave(exchange);
    case Route::dashboard: return answer_with_file(exchange, "dashboard.html");
    case Route::page_file: return answer_with_file(exchange, match.name);
    case Route::status_page:
        return status_pages_.get(
            [exchange](StatusPages::Text page) { exchange->answer(html_answer(std::move(page))); });
    case Route::status_style: return answer_with_file(exchange, "status.css");
    case Route::icon: return answer_with_file(exchange, "icon.svg");
    case Route::metrics:
        return sources_.metrics([exchange](MetricsPage page) {
            HttpAnswer answer;
            answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
            answer.body = std::move(page);
            exchange->answer(std::move(answer));
        });
    case Route::healthz: return exchange->answer(text_answer("ok\n"));
    case Route::readyz: return answer_ready(exchange);
    }
}

} // namespace keel::control
