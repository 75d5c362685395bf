// keel-engine: what the keeper runs and watches. Wiring only: every part is made here, told of the
// others, and left to itself. Nothing is decided in this file.
#include "applying.hpp"
#include "base/ensure.hpp"
#include "base/text.hpp"
#include "command_line.hpp"
#include "control/server.hpp"
#include "engine/configuration.hpp"
#include "engine/engine.hpp"
#include "engine/log.hpp"
#include "engine/status_line.hpp"
#include "history.hpp"
#include "ledger/ledger.hpp"
#include "metrics/page.hpp"
#include "people.hpp"
#include "probes/prober.hpp"
#include "releases_kept.hpp"
#include "sys/cgroup.hpp"
#include "sys/child_setup.hpp"
#include "sys/clock.hpp"
#include "sys/disk_sync.hpp"
#include "sys/keeper_client.hpp"
#include "sys/late_journal.hpp"
#include "sys/log_reader.hpp"
#include "sys/log_sink.hpp"
#include "sys/loop.hpp"
#include "sys/notify_sockets.hpp"
#include "sys/paths.hpp"
#include "sys/ready_pipes.hpp"
#include "sys/run_dir.hpp"
#include "sys/spare_memory.hpp"
#include "sys/spawner.hpp"
#include "sys/start_configuration.hpp"
#include "sys/state_journal.hpp"
#include "sys/usage_meter.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <optional>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace keel {
namespace {

using namespace std::chrono_literals;

constexpr Duration heartbeat_every = 5s;
constexpr Duration helpers_end_within = 2s;

void warn(const std::string& text) { log::write(log::Level::warn, text); }

/// What the command line says has the last word.
void heed_log_level(const Options& options, const units::DaemonSpec& spec)
{
    const std::string wanted = options.log_level.value_or(std::string(name(spec.log_level)));
    const auto level = log::level_from(wanted);
    log::set_level(level.value_or(log::Level::info));
    if (!level) warn("no such log level: " + wanted + " (debug, info, warn, error, off)");
}

/// All parts of the engine, in the order in which they need each other.
class Daemon {
public:
    Daemon(const Options& options, sys::Paths paths, sys::UvLoop& loop, sys::KeeperClient& keeper,
           sys::RunDir run_dir)
        : options_(options), paths_(std::move(paths)), loop_(loop), keeper_(keeper),
          run_dir_(std::move(run_dir)), journal_(journal_options()),
          hold_sync_(loop_, paths_.hold_journal.string()), holds_(hold_journal_options()),
          totals_(kept_over_boots(paths_.totals_journal, "what is counted")),
          releases_(loop_, paths_), logs_(loop_, log_options()),
          spawner_(loop_, keeper_, spawner_options()), notices_(loop_, notify_options()),
          ready_pipes_(loop_, ready_pipe_options()),
          prober_(loop_, spawner_, [this] { return engine_->take_spawn_id(); }),
          told_(
              loop_, spawner_, [this] { return engine_->take_spawn_id(); }, paths_)
    {}

    int run()
    {
        connect();
        make_engine(configure());
        engine_->start(); // First: lines that it awaits must not be taken before.
        told_.notifier.begin(engine_->host());
        logs_.take_over(
            [this](const std::string& unit, Slot slot) { return log_spec_of(unit, slot); });
        serve();
        status_line_.emplace(loop_, *engine_,
                             [this](std::string_view text) { keeper_.status(text); });
        loop_.defer([this] {
            keeper_.ready();
            run_dir_.note_ready();
            status_line_->tell_now();
            beat();
        });
        loop_.run();
        totals_.put(engine::key_of_totals_end, "yes");
        spawner_.release_cgroups(); // The keeper leaves after this process, and does not know them.
        return exit_code_;
    }

private:
    sys::FileStateJournal::Options journal_options()
    {
        auto options = kept_within_boot(paths_.state_journal);
        std::error_code ignored;
        if (run_dir_.after_failed_starts())
            std::filesystem::rename(options.path, options.path + ".aside", ignored);
        return options;
    }

    sys::FileStateJournal::Options hold_journal_options()
    {
        auto options = kept_over_boots(paths_.hold_journal, "holds");
        options.on_written = [this] { hold_sync_.soon(); };
        return options;
    }

    sys::LogSinkOptions log_options()
    {
        sys::LogSinkOptions options;
        options.fifo_dir = paths_.fifo_dir;
        options.log_dir = paths_.log;
        options.journal_socket = paths_.journal_socket;
        options.hold = [this](std::uint64_t key, int fd) { keeper_.hold(key, fd); };
        options.drop = [this](std::uint64_t key) { keeper_.drop(key); };
        options.tell = [this](const std::string& unit, Slot slot, const std::string& text) {
            engine_->note_log(unit, slot, text);
        };
        return options;
    }

    sys::NotifyOptions notify_options()
    {
        sys::NotifyOptions options;
        options.dir = std::filesystem::canonical(paths_.run) / paths_.notify_dir.filename();
        options.hold = [this](std::uint64_t key, int fd) { keeper_.hold(key, fd); };
        options.drop = [this](std::uint64_t key) { keeper_.drop(key); };
        options.fetch = [this](std::uint64_t key) { keeper_.fetch(key); };
        options.has_member = [this](SpawnId spawn, pid_t pid) {
            return spawner_.has_member(spawn, pid);
        };
        return options;
    }

    sys::ReadyPipeOptions ready_pipe_options()
    {
        return {paths_.ready_dir, [this](std::uint64_t key, int fd) { keeper_.hold(key, fd); },
                [this](std::uint64_t key) { keeper_.drop(key); }};
    }

    sys::SpawnerOptions spawner_options()
    {
        sys::SpawnerOptions options;
        options.run_dir = std::filesystem::canonical(paths_.run).string();
        options.heed_environment();
        const auto base = sys::find_cgroup_base(::getppid());
        if (!base) return options;
        auto tree = sys::CgroupTree::open(loop_, *base);
        if (tree)
            options.cgroups = std::move(*tree);
        else
            warn("units get no cgroups: " + tree.error().text());
        return options;
    }

    void connect()
    {
        keeper_.set_orders({
            .on_shutdown =
                [this] {
                    keeper_.stopping();
                    engine_->shut_down("asked to");
                },
            .on_apply =
                [this] {
                    if (applying_) applying_->apply_for("SIGHUP");
                },
            .on_leave = [this] { leave(); },
            .on_keeper_lost = [this] { loop_.stop(); },
            .on_hold_refused =
                [](std::uint64_t key) {
                    warn(fmt::format("the keeper has no room for descriptor {}", key));
                },
        });
        keeper_.on_held(
            [this](std::uint64_t key, OwnedFd fd) { notices_.take(key, std::move(fd)); });
        spawner_.set_handlers({
            .on_exit =
                [this](SpawnId spawn, core::ExitStatus status, core::TreeState tree) {
                    if (prober_.claims(spawn)) return prober_.on_exit(spawn, status, tree);
                    if (commands().claims(spawn)) return commands().on_exit(spawn, status);
                    engine_->process_exited(spawn, status, tree);
                },
            .on_tree_empty =
                [this](SpawnId spawn) {
                    if (prober_.claims(spawn)) return prober_.on_tree_empty(spawn);
                    if (commands().claims(spawn)) return commands().on_tree_empty(spawn);
                    engine_->tree_emptied(spawn);
                },
            .on_resources_refused =
                [this](SpawnId spawn, const std::string& why) {
                    engine_->resources_refused(spawn, why);
                },
        });
        loop_.on_turn([this](Duration lag) {
            if (engine_) engine_->note_turn(lag);
        });
    }

    /// What is to be in force; of it only keel.toml is kept.
    std::vector<engine::ConfiguredUnit> configure()
    {
        const auto& recovered = journal_.recovered();
        const bool ended_in_order = recovered.contains(engine::key_of_clean_end);
        const bool go_on = !ended_in_order && (run_dir_.after_crash() || !recovered.empty());
        auto start = sys::configuration_at_start(paths_, go_on ? sys::StartKind::go_on
                                                               : sys::StartKind::fresh);
        daemon_ = std::move(start.in_force.daemon.spec);
        heed_log_level(options_, daemon_);
        told_.notifier.set_channels(daemon_.channels);
        for (const std::string& alarm : start.alarms)
            log::write(log::Level::error, alarm);
        return engine::configure(start.in_force.units);
    }

    void make_engine(std::vector<engine::ConfiguredUnit> units)
    {
        const units::StormSpec& storm = daemon_.storm;
        const sys::Generations generations(paths_.lib / "generations");
        if (auto noted = generations.note_environments(engine::digests_of(units)); !noted)
            warn("`keel plan` will not see what changes in environment files: " +
                 noted.error().text());
        engine::EngineOptions options;
        options.host.storm = {storm.starts_per_second, storm.burst};
        options.runtime_root = (paths_.run / "units").string();
        options.own = engine::own_identity();
        options.release_helper = sys::beside_this_program("keel-release").string();
        using Absence = engine::EngineOptions::Absence;
        options.absence = run_dir_.keeper_is_new() ? Absence::yes : Absence::no;
        ledger_ =
            std::make_unique<ledger::SqliteLedger>(loop_, ledger_options(paths_, daemon_.ledger));
        // Of a keeper's first engine, and of one after it that has found nothing of that.
        if (run_dir_.keeper_is_new() || journal_.recovered().empty())
            options.before = ledger_->last_life();
        options.seed = static_cast<std::uint64_t>(loop_.now().mono.time_since_epoch().count());
        options.first_event = options.seed / 1000; // microseconds: never behind an earlier engine
        // For tests, which cannot wait ten seconds a thousand times.
        if (const char* trial = std::getenv("KEEL_APPLY_TRIAL"))
            options.trial = parse_duration(trial).value_or(options.trial);
        engine_ = std::make_unique<engine::Engine>(
            engine::EnginePorts{loop_, spawner_, prober_, logs_, journal_, holds_, totals_,
                                *ledger_, notices_, ready_pipes_, releases_, &told_.notifier},
            std::move(units), options);
        engine_->on_stopped([this](int code) {
            journal_.put(engine::key_of_clean_end, "yes");
            exit_code_ = code;
            // Probes were cancelled with their units; what they ran must not outlive the engine.
            prober_.when_idle(helpers_end_within, [this, code] {
                told_.notifier.end(helpers_end_within, [this, code] {
                    keeper_.exit(code);
                    leave();
                });
            });
        });
    }

    std::optional<units::LogSpec> log_spec_of(const std::string& unit, Slot slot) const
    {
        const auto known = engine_->host().find(unit);
        if (!known || slot > engine_->host().spec(*known).instances) return std::nullopt;
        if (slot == whole_unit) return engine::deploy_log();
        return engine_->host().spec(*known).log;
    }

    void serve()
    {
        const auto volume_of = [this](const std::string& unit) {
            return metrics::LogVolume{logs_.bytes(unit), logs_.dropped_bytes(unit)};
        };
        applying_ = std::make_unique<Applying>(loop_, *engine_, told_.notifier, paths_,
                                               [this] { return spawner_.control_groups(); });
        metrics_.emplace(loop_, *engine_, volume_of, &meter_, KEEL_VERSION,
                         [totals = totals_.settler(), told = told_.kept.settler()] {
                             totals(200ms);
                             told(200ms);
                         });
        metrics_->count(told_.notifier);
        control::ControlServer::Options options;
        options.version = KEEL_VERSION;
        options.groups = {group_named(daemon_.operators_group), group_named(daemon_.readers_group)};
        options.web = web_access_options(daemon_, journal_);
        options.tls = {.files = daemon_.tls, .tell = warn};
        server_ = std::make_unique<control::ControlServer>(
            control::ControlServer::Sources{
                loop_, *engine_, std::make_shared<sys::LogReader>(loop_, paths_.log),
                [this](auto done) { metrics_->get(std::move(done)); }, *applying_},
            options);
        if (auto heard = server_->listen_on_socket(paths_.control_socket.string()); !heard)
            log::write(log::Level::error, "no control socket: " + heard.error().text());
        const std::string address = options_.http.value_or(daemon_.http_listen);
        if (address == "off") return;
        if (auto port = server_->listen_for_pages(address); !port)
            warn("no pages, supervision goes on: " + port.error().text());
    }

    notify::Commands& commands() { return told_.notifier.commands(); }

    /// Meant to, unlike when the keeper is lost.
    void leave()
    {
        ledger_->end_in_order();
        run_dir_.leave();
        loop_.stop();
    }

    void beat()
    {
        keeper_.heartbeat();
        memory_.give_back();
        heartbeat_ = loop_.after(heartbeat_every, [this] { beat(); });
    }

    sys::SpareMemory memory_; ///< before any thread
    const Options& options_;
    const sys::Paths paths_;
    sys::UvLoop& loop_;
    sys::KeeperClient& keeper_;
    sys::RunDir run_dir_;
    sys::FileStateJournal journal_;
    sys::DiskSync hold_sync_;
    sys::FileStateJournal holds_;
    sys::LateJournal totals_;
    ReleasesKept releases_;
    sys::LogSink logs_;
    sys::Spawner spawner_;
    sys::NotifySockets notices_;
    sys::ReadyPipes ready_pipes_;
    sys::UsageMeter meter_{loop_, spawner_, [](const Error& error) {
                               warn("what units use is not counted: " + error.text());
                           }};
    probes::Prober prober_;
    PeopleTold told_;
    units::DaemonSpec daemon_; ///< as at the start
    std::unique_ptr<ledger::SqliteLedger> ledger_;
    std::unique_ptr<engine::Engine> engine_;
    std::unique_ptr<Applying> applying_;
    std::optional<metrics::Page> metrics_;
    std::unique_ptr<control::ControlServer> server_;
    std::optional<engine::StatusLine> status_line_;
    ports::Loop::Registration heartbeat_;
    int exit_code_ = 0;
};

int run(int argc, char** argv)
{
    if (auto claimed = sys::claim_descriptors(); !claimed) {
        log::write(log::Level::error, claimed.error().text());
        return 1;
    }
    sys::UvLoop loop;
    sys::KeeperClient keeper(loop);
    // What another engine would only run into again is the end of the keeper, too.
    const auto give_up = [&](int code) {
        keeper.exit(code);
        return code;
    };
    const auto give_up_over = [&](const Error& error) {
        log::write(log::Level::error, error.text());
        return give_up(1);
    };
    Options options;
    if (const auto code = parse(options, argc, argv)) return give_up(*code);
    if (const auto level = log::level_from(options.log_level.value_or(""))) log::set_level(*level);
    set_on_invariant_failure(OnInvariantFailure::throw_exception);
    auto paths = sys::paths_of_process(options.root);
    if (!paths) return give_up_over(paths.error());
    auto run_dir = sys::RunDir::claim(paths->run, keeper);
    if (!run_dir) return give_up_over(run_dir.error());
    return Daemon(options, std::move(*paths), loop, keeper, std::move(*run_dir)).run();
}

} // namespace
} // namespace keel

int main(int argc, char** argv)
{
    // For systemd, when neither a keeper nor an engine is left to do it.
    if (argc == 2 && std::string_view(argv[1]) == "--release-cgroup")
        return keel::sys::release_delegated_cgroup() ? 0 : 1;
    return keel::run(argc, argv);
}
