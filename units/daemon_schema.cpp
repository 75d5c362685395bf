#include "units/slot_path.hpp"

#include <utility>

namespace keel::units {
namespace {

template <auto... members> constexpr PathTo<&Draft::daemon, members...> daemon{};
template <auto... members> constexpr PathTo<&Draft::hook, members...> hook{};

void keep_hook(Draft& draft, const std::string& name)
{
    draft.daemon.hooks.insert_or_assign(name, std::exchange(draft.hook, {}));
}

using D = DaemonSpec;
using Storm = StormSpec;
using enum TakesEffect;
constexpr std::size_t account_max = 256; // LOGIN_NAME_MAX
constexpr std::array<std::string_view, 0> none{};

constexpr Key table[] = {
    {"http", Section{}, restart, "The port for pages and metrics"},
    {"http.listen", Text{daemon<&D::http_listen>, &listen_address, 64}, restart,
     "address and port, or `off`"},
    {"http.tls", Later{}, restart, "certificate and key of that port"},
    {"http.token_file", Text{daemon<&D::token_file>, &absolute_path, 4095}, restart,
     "a file with a token of 24 characters or more, which opens the dashboard and what the API "
     "tells "
     "to `Authorization: Bearer`; only its owner and group may read it",
     "none"},

    {"control", Section{}, restart, "Who may use the control socket besides root"},
    {"control.operators_group", Text{daemon<&D::operators_group>, &account_name, account_max},
     restart, "the group whose members may change things", "none"},
    {"control.readers_group", Text{daemon<&D::readers_group>, &account_name, account_max}, restart,
     "the group whose members may look", "none"},

    {"ledger", Later{}, restart, "how much history is kept"},

    {"log", Section{}, restart, "keeld's own log"},
    {"log.level", Choice{daemon<&D::log_level>, names_of<LogLevel>, none}, restart,
     "what is less important is left out"},
    {"log.format", Later{}, restart, "how a line looks"},

    {"storm", Section{}, restart,
     "The storm brake, which holds restarts back that are not the first in a row"},
    {"storm.starts_per_second", Integer{daemon<&D::storm, &Storm::starts_per_second>, 0, 100'000},
     restart, "so many of them a second on the whole host; 0: no brake"},
    {"storm.burst", Integer{daemon<&D::storm, &Storm::burst>, 1, 1'000'000}, restart,
     "so many at once after a quiet time"},

    {"hook", NamedSections{64, keep_hook}, live,
     "A command that ladders can run, by `run:NAME`. It runs as keeld's own user, in `/`, with the "
     "unit's name in `KEEL_UNIT`, its own in `KEEL_HOOK`, why the unit climbed in `KEEL_REASON`, "
     "and its output in the log of the unit's first instance; what it leaves running is ended with "
     "it. Of one unit one runs at a time. One that keeld's own death leaves without a known end "
     "runs again"},
    {"hook.NAME.command", Command{hook<&NamedHook::command>, 4096}, live,
     "program and arguments; unless it exits 0 the unit climbs on at once", "required", "",
     Presence::required},
    {"hook.NAME.timeout", Span{hook<&NamedHook::timeout>, 100ms, 1h}, live,
     "one that takes longer has failed, and is killed with all that it started"},

    {"defaults", UnitKeys{}, live,
     "Laid under every unit: a unit file has the last word, key by key"},

    {"channel", Later{}, live, "who is told of outages"},
    {"fleet", Later{}, restart, "many hosts together"},
};

} // namespace

const Language& daemon_language()
{
    static constexpr Language language{table, "", "docs/generated/keel-toml.md"};
    return language;
}

} // namespace keel::units
