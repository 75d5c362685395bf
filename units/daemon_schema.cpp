#include "units/slot_path.hpp"

#include <chrono>
#include <utility>

namespace keel::units {
namespace {

using namespace std::chrono_literals;

template <auto... members> constexpr PathTo<&Draft::daemon, members...> daemon{};
template <auto... members> constexpr PathTo<&Draft::hook, members...> hook{};
template <auto... members> constexpr PathTo<&Draft::channel, members...> channel{};

void keep_channel(Draft& draft, const std::string& name)
{
    draft.daemon.channels.insert_or_assign(name, std::exchange(draft.channel, {}));
}

constexpr Slot<std::vector<std::uint8_t>> occasions{
    [](const Draft& draft) {
        std::vector<std::uint8_t> chosen;
        for (const Occasion occasion : draft.channel.events)
            chosen.push_back(static_cast<std::uint8_t>(occasion));
        return chosen;
    },
    [](Draft& draft, std::vector<std::uint8_t> chosen) {
        const auto places = std::move(chosen);
        draft.channel.events.clear();
        for (const std::uint8_t place : places)
            draft.channel.events.push_back(static_cast<Occasion>(place));
    }};

std::optional<Mistake> check_occasions(const std::vector<std::uint8_t>& chosen)
{
    if (!chosen.empty()) return std::nullopt;
    return Mistake{"names no event", "for example [\"outage-opened\", \"recovered\"]"};
}

void keep_hook(Draft& draft, const std::string& name)
{
    draft.daemon.hooks.insert_or_assign(name, std::exchange(draft.hook, {}));
}

using D = DaemonSpec;
using Storm = StormSpec;
using C = ChannelSpec;
using Ledger = LedgerSpec;
using enum TakesEffect;
constexpr std::size_t account_max = 256; // LOGIN_NAME_MAX
constexpr std::array<std::string_view, 0> none{};

constexpr Key table[] = {
    {"http", Section{}, restart, "The port for pages and metrics"},
    {"http.listen", Text{daemon<&D::http_listen>, &listen_address, 64}, restart,
     "address and port, or `off`"},
    {"http.tls", Section{}, restart, "Has that port speak TLS, 1.2 or later, and nothing else"},
    {"http.tls.certificate", Text{daemon<&D::tls, &TlsSpec::certificate>, &absolute_path, 4095},
     restart,
     "a file with the host's certificate and those that vouch for it, in PEM form; a file that is "
     "written anew is in use within ten seconds",
     "none"},
    {"http.tls.key", Text{daemon<&D::tls, &TlsSpec::key>, &absolute_path, 4095}, restart,
     "a file with the key of that certificate, in PEM form, without a passphrase; only its owner "
     "and group may read it",
     "none"},
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

    {"ledger", Section{}, restart,
     "The ledger: outages and the lives of Keel itself, in `ledger.db` under `/var/lib/keel`. Of "
     "the two bounds the one that is met first counts, and the oldest records go"},
    {"ledger.keep", Span{daemon<&D::ledger, &Ledger::keep>, 24h, 24h * 3650}, restart,
     "so long a record is kept after its end"},
    {"ledger.max_size", Size{daemon<&D::ledger, &Ledger::max_size>, 1ULL << 20, 1ULL << 40},
     restart, "so large its file may get"},

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

    {"channel", NamedSections{64, keep_channel}, live,
     "Where people are told of outages: of those of the units that name it in `notify`. What is "
     "down because of another unit is told with that unit; by itself, where nobody hears of that "
     "one or that one is up again. What could not be delivered is tried again, in order, for a "
     "day, and kept over the death and restart of keeld, so that it may come twice, under the same "
     "id. A channel that is taken away forgets what it had to tell"},
    {"channel.NAME.kind", Choice{channel<&C::kind>, names_of<ChannelKind>, none}, live,
     "`webhook`: a POST to a URL; `exec`: a command that finds the same on its standard input",
     "required", "", Presence::required},
    {"channel.NAME.target", Text{channel<&C::target>, &web_url, 4096}, live, "the URL of a webhook",
     "one of two"},
    {"channel.NAME.target_file", Text{channel<&C::target_file>, &absolute_path, 4096}, live,
     "a file with the URL, where that is a secret itself", "one of two"},
    {"channel.NAME.token_file", Text{channel<&C::token_file>, &absolute_path, 4096}, live,
     "a file with a token, which a webhook is sent as `Authorization: Bearer`", "none"},
    {"channel.NAME.command", Command{channel<&C::command>, 4096}, live,
     "program and arguments of an exec, where `{unit}` is the unit that the news is about; exit 0: "
     "delivered. It runs as keeld's own user, in `/`, with `KEEL_CHANNEL`, `KEEL_EVENT`, "
     "`KEEL_UNIT`, `KEEL_ID`, `KEEL_HOST` and `KEEL_TEXT`, one at a time; what it leaves running "
     "is ended with it, and one that keeld's death cuts short runs again",
     "none"},
    {"channel.NAME.timeout", Span{channel<&C::timeout>, 100ms, 10min}, live,
     "a try that takes longer has failed; a command is killed then, with all that it started"},
    {"channel.NAME.body", Choice{channel<&C::body>, names_of<WebhookBody>, none}, live,
     "what is sent: Keel's own JSON, a message for Slack and its like, or alerts for "
     "Alertmanager's `/api/v2/alerts`"},
    {"channel.NAME.events", Choices{occasions, names_of<Occasion>, none, check_occasions}, live,
     "what it is told of; `climbed` is the ladder by a rung, `deployed` what the ladder has "
     "deployed and what was undone"},
    {"channel.NAME.quiet", Span{channel<&C::quiet>, 0s, 24h}, live,
     "of one unit and event, one in this span: what comes meanwhile is told once, at its end"},
    {"channel.NAME.remind", Span{channel<&C::remind>, 0s, 720h}, live,
     "an outage that stays open is told again so often; 0s: never"},
    {"fleet", Later{}, restart, "many hosts together"},
};

} // namespace

const Language& daemon_language()
{
    static constexpr Language language{table, "", "docs/generated/keel-toml.md"};
    return language;
}

} // namespace keel::units
