#include "ledger/ledger.hpp"

#include "ledger/writer.hpp"

#include <filesystem>

namespace keel::ledger {

SqliteLedger::SqliteLedger(ports::Loop& loop, LedgerFile::Options options)
    : loop_(loop), options_(std::move(options)), writer_(std::make_shared<Writer>(options_))
{
    bell_ = loop_.watch_fd(writer_->bell(), ports::Interest::readable,
                           [this](ports::FdEvents) { hear(); });
    Writer::begin(writer_);
}

SqliteLedger::~SqliteLedger()
{
    bell_.reset();
    writer_->end(patience_at_end, end_);
}

std::optional<ports::LastLife> SqliteLedger::last_life() const
{
    return writer_->last_life(patience_at_begin);
}

void SqliteLedger::set_handlers(Handlers handlers) { handlers_ = std::move(handlers); }

void SqliteLedger::hear()
{
    const LedgerFile::News news = writer_->take_news();
    for (const std::string& text : news.texts)
        if (handlers_.on_news) handlers_.on_news(text);
    if (news.begun_anew && handlers_.on_begun_anew) handlers_.on_begun_anew();
}

// ---- writing ------------------------------------------------------------------------------------

Duration SqliteLedger::suspended() const
{
    return options_.now().boottime - loop_.precise().time_since_epoch();
}

void SqliteLedger::keep(const core::Outage& outage, core::LastWords words)
{
    writer_->keep(Stamped{outage, suspended(), std::move(words)});
}

void SqliteLedger::keep(const core::SpawnRecord& spawn) { writer_->keep(spawn); }

void SqliteLedger::keep(const core::OperationRecord& operation) { writer_->keep(operation); }

void SqliteLedger::keep(const std::string& unit, const core::DeploymentRecord& deployment)
{
    writer_->keep(unit, deployment);
}

void SqliteLedger::keep(const ports::WantedChange& change)
{
    writer_->keep(StampedChange{change, suspended()});
}

void SqliteLedger::go_on_with(ports::Beginning beginning)
{
    writer_->go_on_with(std::move(beginning));
}

ports::LedgerStanding SqliteLedger::standing() const { return writer_->standing(); }

// ---- reading ------------------------------------------------------------------------------------

template <class Found>
void SqliteLedger::find_by(std::function<void(Database&, Found&)> read,
                           std::function<void(Found)> done)
{
    auto found = std::make_shared<Found>();
    auto alive = std::weak_ptr(alive_);
    if (reads_.size() >= reads_max) {
        found->missing = "too many ask for the ledger";
        return loop_.defer([found, done = std::move(done), alive] {
            if (!alive.expired()) done(std::move(*found));
        });
    }
    auto work = [found, read = std::move(read), path = options_.path, writer = writer_] {
        const std::uint64_t inode = LedgerFile::inode_of(path);
        try {
            Database database(path, Database::Mode::read_only, LedgerFile::patience);
            read(database, *found);
        } catch (const Failed& failed) {
            *found = {};
            found->missing = failed.what();
            if (failed.is_damage()) writer->suspect(inode);
        }
    };
    auto tell = [this, found, done = std::move(done), alive] {
        if (alive.expired()) return;
        reading_ = Reading::no;
        read_next();
        done(std::move(*found));
    };
    reads_.emplace_back([this, work = std::move(work), tell = std::move(tell)]() mutable {
        loop_.offload(std::move(work), std::move(tell));
    });
    read_next();
}

void SqliteLedger::read_next()
{
    if (reads_.empty() || reading_ == Reading::yes) return;
    reading_ = Reading::yes;
    const auto next = std::move(reads_.front());
    reads_.pop_front();
    next();
}

void SqliteLedger::find(const ports::OutageQuery& query,
                        std::function<void(ports::OutageHistory)> done)
{
    find_by<ports::OutageHistory>(
        [query, now = loop_.now().wall](Database& database, ports::OutageHistory& found) {
            found.outages = read_outages(database, query, now);
        },
        std::move(done));
}

void SqliteLedger::find_past(WallTime since, std::function<void(core::PastOfAll)> done)
{
    find_by<core::PastOfAll>(
        [since, now = loop_.now().wall](Database& database, core::PastOfAll& found) {
            found = read_past(database, since, now);
        },
        std::move(done));
}

void SqliteLedger::find_incident(OutageId outage, std::function<void(core::Incident)> done)
{
    find_by<core::Incident>(
        [outage, now = loop_.now().wall](Database& database, core::Incident& found) {
            found = read_incident(database, outage, now);
        },
        std::move(done));
}

} // namespace keel::ledger
