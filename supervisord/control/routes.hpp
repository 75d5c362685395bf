// The routes of the control API: the one table that the server, its tests and docs/openapi.yaml
// agree on. It knows what may be asked where and by whom, and nothing of how it is answered.
#pragma once
#include "control/peer.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace keel::control {

enum class Route : std::uint8_t {
    units,
    unit,
    why,
    log,
    start,
    stop,
    restart,
    hold,
    reload,
    deploy,
    rollback,
    undeny,
    releases,
    probe,
    operations,
    operation,
    cancel,
    apply,
    events,
    outages,
    outage,
    report,
    version,
    link,
    enter,
    leave,
    dashboard,
    page_file,
    status_page,
    status_style,
    icon,
    metrics,
    healthz,
    readyz
};

/// The control socket serves everything; the TCP port some things to everybody, and others to whom
/// has a pass: the token, or the session that a link has opened.
enum class ServedOn : std::uint8_t { control_only, with_pass, everywhere };

struct RouteSpec {
    Route route;
    std::string_view method;
    std::string_view pattern; ///< `{name}` stands for one segment
    Role role;                ///< needed on the control socket
    ServedOn served_on;
    std::span<const std::string_view> arguments; ///< of the query
};

std::span<const RouteSpec> routes();

struct RouteMatch {
    const RouteSpec* spec;
    std::string name; ///< what stood for `{name}`
};
struct NoSuchPath {};
struct WrongMethod {
    std::string allowed;
}; ///< for the Allow header

/// HEAD is taken as GET.
std::variant<RouteMatch, NoSuchPath, WrongMethod> find_route(std::string_view method,
                                                             std::string_view path);

} // namespace keel::control
