#include "control/routes.hpp"

#include <array>
#include <optional>

namespace keel::control {
namespace {

using Arguments = std::span<const std::string_view>;
constexpr std::array list_arguments = std::to_array<std::string_view>({"brief"});
constexpr std::array log_arguments =
    std::to_array<std::string_view>({"lines", "since", "follow", "instance", "deploy"});
constexpr std::array change_arguments = std::to_array<std::string_view>({"wait"});
constexpr std::array probe_arguments = std::to_array<std::string_view>({"instance"});
constexpr std::array outage_arguments =
    std::to_array<std::string_view>({"since", "limit", "last_words"});
constexpr std::array report_arguments = std::to_array<std::string_view>({"since"});
constexpr std::array event_arguments =
    std::to_array<std::string_view>({"after", "unit", "follow", "limit", "since"});

constexpr std::array table = std::to_array<RouteSpec>({
    {Route::units, "GET", "/v1/units", Role::reader, ServedOn::with_pass, list_arguments},
    {Route::unit, "GET", "/v1/units/{name}", Role::reader, ServedOn::with_pass, {}},
    {Route::why, "GET", "/v1/units/{name}/why", Role::reader, ServedOn::with_pass, {}},
    {Route::log, "GET", "/v1/units/{name}/log", Role::reader, ServedOn::with_pass, log_arguments},
    {Route::start, "POST", "/v1/units/{name}/start", Role::operator_, ServedOn::control_only,
     change_arguments},
    {Route::stop, "POST", "/v1/units/{name}/stop", Role::operator_, ServedOn::control_only,
     change_arguments},
    {Route::restart, "POST", "/v1/units/{name}/restart", Role::operator_, ServedOn::control_only,
     change_arguments},
    {Route::hold, "POST", "/v1/units/{name}/hold", Role::operator_, ServedOn::control_only,
     change_arguments},
    {Route::reload, "POST", "/v1/units/{name}/reload", Role::operator_, ServedOn::control_only,
     change_arguments},
    {Route::deploy, "POST", "/v1/units/{name}/deploy", Role::operator_, ServedOn::control_only,
     change_arguments},
    {Route::rollback, "POST", "/v1/units/{name}/rollback", Role::operator_, ServedOn::control_only,
     change_arguments},
    {Route::undeny, "POST", "/v1/units/{name}/undeny", Role::operator_, ServedOn::control_only,
     change_arguments},
    {Route::releases, "GET", "/v1/units/{name}/releases", Role::reader, ServedOn::with_pass, {}},
    {Route::probe, "POST", "/v1/units/{name}/probe", Role::operator_, ServedOn::control_only,
     probe_arguments},
    {Route::operations, "GET", "/v1/operations", Role::reader, ServedOn::with_pass, {}},
    {Route::operation, "GET", "/v1/operations/{name}", Role::reader, ServedOn::with_pass, {}},
    {Route::cancel, "DELETE", "/v1/operations/{name}", Role::operator_, ServedOn::control_only, {}},
    {Route::apply, "POST", "/v1/config/apply", Role::operator_, ServedOn::control_only, {}},
    {Route::events, "GET", "/v1/events", Role::reader, ServedOn::with_pass, event_arguments},
    {Route::outages, "GET", "/v1/outages", Role::reader, ServedOn::with_pass, outage_arguments},
    {Route::outage, "GET", "/v1/outages/{name}", Role::reader, ServedOn::with_pass, {}},
    {Route::report, "GET", "/v1/report", Role::reader, ServedOn::with_pass, report_arguments},
    {Route::version, "GET", "/v1/version", Role::reader, ServedOn::with_pass, {}},
    {Route::link, "POST", "/v1/web/links", Role::reader, ServedOn::control_only, {}},
    {Route::enter, "GET", "/enter/{name}", Role::reader, ServedOn::everywhere, {}},
    {Route::leave, "POST", "/leave", Role::reader, ServedOn::with_pass, {}},
    {Route::dashboard, "GET", "/", Role::reader, ServedOn::with_pass, {}},
    {Route::page_file, "GET", "/web/{name}", Role::reader, ServedOn::with_pass, {}},
    {Route::status_page, "GET", "/status", Role::reader, ServedOn::everywhere, {}},
    {Route::status_style, "GET", "/status.css", Role::reader, ServedOn::everywhere, {}},
    {Route::icon, "GET", "/icon.svg", Role::reader, ServedOn::everywhere, {}},
    {Route::metrics, "GET", "/metrics", Role::reader, ServedOn::everywhere, {}},
    {Route::healthz, "GET", "/healthz", Role::reader, ServedOn::everywhere, {}},
    {Route::readyz, "GET", "/readyz", Role::reader, ServedOn::everywhere, {}},
});

/// Takes the text up to the next slash, and the slash.
std::string_view take_segment(std::string_view& path)
{
    const auto slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    return segment;
}

/// What stands for `{name}`, perhaps empty for a pattern without one; none: no match.
std::optional<std::string> match(std::string_view pattern, std::string_view path)
{
    std::string name;
    if (path.empty() || path.front() != '/') return std::nullopt;
    if (path.back() == '/' && path.size() > 1) return std::nullopt;
    while (!pattern.empty() || !path.empty()) {
        const std::string_view expected = take_segment(pattern);
        const std::string_view found = take_segment(path);
        if (expected == "{name}" && !found.empty())
            name = found;
        else if (expected != found)
            return std::nullopt;
    }
    return name;
}

} // namespace

std::span<const RouteSpec> routes() { return table; }

std::variant<RouteMatch, NoSuchPath, WrongMethod> find_route(std::string_view method,
                                                             std::string_view path)
{
    if (method == "HEAD") method = "GET";
    std::string allowed;
    for (const RouteSpec& spec : table) {
        auto name = match(spec.pattern, path);
        if (!name) continue;
        if (spec.method == method) return RouteMatch{&spec, std::move(*name)};
        allowed += (allowed.empty() ? "" : ", ") + std::string(spec.method);
    }
    if (allowed.empty()) return NoSuchPath{};
    return WrongMethod{std::move(allowed)};
}

} // namespace keel::control
