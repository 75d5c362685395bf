#include "units/schema_parts.hpp"

#include "units/slot_path.hpp"
#include "units/validate.hpp"

#include <algorithm>
#include <array>

namespace keel::units {
namespace {

template <auto... members> constexpr PathTo<&Draft::probe, &ProbeDraft::common, members...> probe{};
template <auto... members> constexpr PathTo<&Draft::probe, &ProbeDraft::http, members...> http{};
template <auto... members> constexpr PathTo<&Draft::probe, &ProbeDraft::tcp, members...> tcp{};
template <auto... members> constexpr PathTo<&Draft::probe, &ProbeDraft::exec, members...> exec{};

using P = ProbeSpec;

constexpr std::array<std::string_view, 0> none{};

constexpr Slot<std::vector<std::uint8_t>> roles{
    [](const Draft& draft) {
        const ProbeRoles& role = draft.probe.common.role;
        std::vector<std::uint8_t> chosen;
        if (role.startup) chosen.push_back(static_cast<std::uint8_t>(ProbeRole::startup));
        if (role.readiness) chosen.push_back(static_cast<std::uint8_t>(ProbeRole::readiness));
        if (role.liveness) chosen.push_back(static_cast<std::uint8_t>(ProbeRole::liveness));
        return chosen;
    },
    [](Draft& draft, std::vector<std::uint8_t> chosen) {
        const auto has = [&](ProbeRole role) {
            return std::find(chosen.begin(), chosen.end(), static_cast<std::uint8_t>(role)) !=
                   chosen.end();
        };
        draft.probe.common.role = {has(ProbeRole::startup), has(ProbeRole::readiness),
                                   has(ProbeRole::liveness)};
    }};

std::optional<Mistake> check_roles(const std::vector<std::uint8_t>& chosen)
{
    if (!chosen.empty()) return std::nullopt;
    return Mistake{"names no role", "leave it out for all three: startup, readiness, liveness"};
}

void begin_probe(Draft& draft) { draft.probe = {}; }

void end_probe(Draft& draft, const Place& place, const Notes& notes, Report& report)
{
    draft.unit.probes.push_back(finish_probe(draft.probe, place, notes, report));
}

using enum TakesEffect;
constexpr auto filled = Braces::placeholders;
constexpr Duration day = 24h;
constexpr std::size_t path_max = 4095; // PATH_MAX without its NUL
constexpr std::size_t bytes_max = 4096;
constexpr std::size_t expression_max = 1024;

constexpr Key table[] = {
    {"probe", Sections{32, begin_probe, end_probe}, live,
     "A health check by exactly one of `http`, `tcp` and `exec`"},
    {"probe[].name", Text{probe<&P::name>, &probe_name, 64}, live, "unique within the unit",
     "its kind, then `http-2` and so on"},
    {"probe[].http", Text{http<&HttpTarget::url>, &probe_url, bytes_max, filled}, live,
     "ask this URL: http://, https:// or unix:/path.sock:/request-path", "one of three"},
    {"probe[].tcp", Text{tcp<&TcpTarget::address>, &host_and_port, 300, filled}, live,
     "connect to this address", "one of three"},
    {"probe[].exec", Command{exec<&ExecTarget::command>, 4096}, live,
     "run this command, as the unit's user, in its directory; exit 0 passes", "one of three"},
    {"probe[].role", Choices{roles, names_of<ProbeRole>, none, check_roles}, live,
     "what it decides: a start's success, readiness, or whether to restart"},
    {"probe[].interval", Span{probe<&P::interval>, 10ms, day}, live, "from one try to the next"},
    {"probe[].timeout", Span{probe<&P::timeout>, 1ms, 1h}, live, "a try that takes longer fails"},
    {"probe[].failures", Integer{probe<&P::failures>, 1, 1000}, live,
     "so many in a row change a good verdict"},
    {"probe[].successes", Integer{probe<&P::successes>, 1, 1000}, live,
     "so many in a row change a bad verdict"},
    {"probe[].delay", Span{probe<&P::delay>, 0s, day}, live, "from spawn to the first try"},
    {"probe[].method", Text{http<&HttpTarget::method>, &http_method, 16}, live, "the method", "",
     "http"},
    {"probe[].headers", TextMap{http<&HttpTarget::headers>, &header_entries, 64}, live,
     "more header lines", "", "http"},
    {"probe[].status", StatusRanges{http<&HttpTarget::status>, 64}, live, "status codes that pass",
     "", "http"},
    {"probe[].body", Text{http<&HttpTarget::body>, &expression, expression_max}, live,
     "RE2 expression searched in the first 64 KiB of the answer", "any body", "http"},
    {"probe[].tls_verify", Boolean{http<&HttpTarget::tls_verify>}, live,
     "whether the server's certificate is checked", "", "http"},
    {"probe[].tls_ca", Text{http<&HttpTarget::tls_ca>, &absolute_path, path_max, filled}, live,
     "PEM file of authorities to trust", "the system's", "http"},
    {"probe[].follow_redirects", Boolean{http<&HttpTarget::follow_redirects>}, live,
     "whether redirects are followed", "", "http"},
    {"probe[].send", Text{tcp<&TcpTarget::send>, &any_bytes, bytes_max, filled}, live,
     "bytes to send once connected", "nothing", "tcp"},
    {"probe[].expect", Text{tcp<&TcpTarget::expect>, &any_bytes, bytes_max, filled}, live,
     "bytes that must come back", "connecting is enough", "tcp"},
};

} // namespace

std::span<const Key> probe_keys() { return table; }

} // namespace keel::units
