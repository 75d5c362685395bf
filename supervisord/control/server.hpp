// The control API's server: the control socket for the client, and a TCP port for pages.
//
// Promises: everything runs on the loop and nothing blocks it; who asks is asked of the kernel; a
// role that does not suffice gets 403, an unknown route 404, and every error is a problem document
// that says what to do. The TCP port changes nothing but its own sessions. It serves /metrics,
// /healthz, /readyz and the status page to everybody, the dashboard and what the API tells to whom
// has a pass (web_access.hpp), and all of it only to requests that name this host (a web page
// elsewhere cannot make a browser ask it).
// It decides nothing about units: questions and requests go to ports::Supervisor.
#pragma once
#include "base/result.hpp"
#include "control/event_hub.hpp"
#include "control/http_server.hpp"
#include "control/pass_watch.hpp"
#include "control/peer.hpp"
#include "control/routes.hpp"
#include "control/status_pages.hpp"
#include "control/tls_door.hpp"
#include "control/user_names.hpp"
#include "control/web_access.hpp"
#include "ports/configurer.hpp"
#include "ports/log_reader.hpp"
#include "ports/supervisor.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace keel::control {

/// Gives the page of /metrics, now or later, on the loop.
using MetricsPage = std::shared_ptr<const std::string>;
using MetricsSource = std::function<void(std::function<void(MetricsPage)>)>;

class ControlServer {
public:
    struct Sources {
        ports::Loop& loop;
        ports::Supervisor& supervisor;
        std::shared_ptr<ports::LogReader> logs;
        MetricsSource metrics;
        ports::Configurer& configurer;
    };
    struct Options {
        std::string version = {};
        RoleGroups groups = {};
        std::vector<std::string> host_names = {}; ///< further names of this host for the TCP port
        WebAccess::Options web = {};
        TlsDoor::Options tls = {}; ///< without files, pages are served plainly
        HttpLimits control_limits = {};
        HttpLimits page_limits{.connections = 128, .reserved = 0, .body_bytes = 0};
    };

    ControlServer(Sources sources, Options options);
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    /// Serves the API on a unix socket. It is removed again when the server ends.
    Result<void> listen_on_socket(const std::string& path);

    /// Serves the pages; an Error (the port is taken) leaves everything else at work. Returns the
    /// port, which is the kernel's choice for `127.0.0.1:0`.
    Result<std::uint16_t> listen_for_pages(const std::string& address);

    /// Another engine takes over: the socket's file stays in its place until that one replaces it,
    /// and clients that come meanwhile wait for it.
    void leave_socket() { socket_path_.clear(); }

    /// Open connections of both kinds.
    [[nodiscard]] unsigned connections() const;

private:
    void serve(const std::shared_ptr<Exchange>& exchange, ServedOn listener);
    void dispatch(const std::shared_ptr<Exchange>& exchange, const RouteMatch& match,
                  const Peer& peer);
    void answer_units(const std::shared_ptr<Exchange>& exchange);
    void answer_unit(const std::shared_ptr<Exchange>& exchange, const std::string& name);
    void answer_why(const std::shared_ptr<Exchange>& exchange, const std::string& name);
    void answer_log(const std::shared_ptr<Exchange>& exchange, const std::string& name);
    void answer_events(const std::shared_ptr<Exchange>& exchange);
    void answer_releases(const std::shared_ptr<Exchange>& exchange, const std::string& name);
    void answer_outline(const std::shared_ptr<Exchange>& exchange, const ports::RequestSpec& spec);
    void answer_outages(const std::shared_ptr<Exchange>& exchange);
    void answer_outage(const std::shared_ptr<Exchange>& exchange, const std::string& id);
    void answer_report(const std::shared_ptr<Exchange>& exchange);
    void answer_ready(const std::shared_ptr<Exchange>& exchange);
    void answer_change(const std::shared_ptr<Exchange>& exchange, core::Verb verb,
                       const std::string& name, uid_t uid);
    void answer_apply(const std::shared_ptr<Exchange>& exchange, uid_t uid);
    void answer_probe(const std::shared_ptr<Exchange>& exchange, const std::string& name);
    void answer_operation(const std::shared_ptr<Exchange>& exchange, const std::string& id);
    void answer_cancel(const std::shared_ptr<Exchange>& exchange, const std::string& id, uid_t uid);
    void answer_link(const std::shared_ptr<Exchange>& exchange);
    void answer_enter(const std::shared_ptr<Exchange>& exchange, const std::string& code);
    void answer_leave(const std::shared_ptr<Exchange>& exchange);
    [[nodiscard]] std::optional<WebAccess::Pass> pass_of(const HttpRequest& request);
    [[nodiscard]] std::string cookie(std::string_view secret, Duration life) const;
    [[nodiscard]] bool is_asked_by_name(std::string_view host) const;
    [[nodiscard]] std::string pages_url() const;
    void refuse_without_pass(const std::shared_ptr<Exchange>& exchange, Route route);
    void carry_out(const std::shared_ptr<Exchange>& exchange, const ports::RequestSpec& spec);
    [[nodiscard]] bool may_have_last_place(int fd) const;

    Sources sources_;
    Options options_;
    uid_t own_uid_;
    UserNames names_;
    EventHub events_;
    WebAccess web_;
    PassWatch pass_watch_;
    StatusPages status_pages_;
    WallTime begun_;         ///< of this object
    std::string pages_host_; ///< by which a browser reaches the pages: `127.0.0.1`
    std::uint16_t pages_port_ = 0;
    std::string cookie_name_; ///< of sessions
    std::string socket_path_;
    std::uint64_t socket_inode_ = 0;
    std::unique_ptr<HttpServer> control_;
    std::unique_ptr<TlsDoor> tls_; ///< none: pages are served plainly
    std::unique_ptr<HttpServer> pages_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0); ///< for what another thread finishes
};

} // namespace keel::control
