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

void SqliteLedger::set_handlers(Handlers handlers) { handlers_ = std::move(handlers); }

void SqliteLedger::hear()
{
    const LedgerFile::News news = writer_->take_news();
    for (const std::string& text : news.texts)
        if (handlers_.on_news) handlers_.on_news(text);
    if (news.begun_anew && handlers_.on_begun_anew) handlers_.on_begun_anew();
}

void SqliteLedger::keep(const core::Outage& outage)
{
    const Duration suspended = options_.now().boottime - loop_.precise().time_since_epoch();
    writer_->keep({outage, suspended});
}

void SqliteLedger::go_on_with(std::vector<OutageId> open, std::optional<OutageId> gap)
{
    writer_->go_on_with({std::move(open), gap});
}

ports::LedgerStanding SqliteLedger::standing() const { return writer_->standing(); }

void SqliteLedger::find(const ports::OutageQuery& query,
                        std::function<void(ports::OutageHistory)> done)
{
    auto found = std::make_shared<ports::OutageHistory>();
    loop_.offload(
        [found, query, path = options_.path, now = loop_.now().wall, writer = writer_] {
            try {
                Database database(path, Database::Mode::read_only, LedgerFile::patience);
                found->outages = read_outages(database, query, now);
            } catch (const Failed& failed) {
                found->missing = failed.what();
                if (failed.is_damage()) writer->suspect();
            }
        },
        [found, done = std::move(done), alive = std::weak_ptr(alive_)] {
            if (!alive.expired()) done(std::move(*found));
        });
}

} // namespace keel::ledger
