#include "ledger/writer.hpp"

#include "base/thread.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <utility>

namespace keel::ledger {

SqliteLedger::Writer::Writer(const LedgerFile::Options& options)
    : file_(with_ear(options)), bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{}

LedgerFile::Options SqliteLedger::Writer::with_ear(LedgerFile::Options options)
{
    options.on_last_life = [this](const auto& life) { hear_last_life(life); };
    return options;
}

void SqliteLedger::Writer::begin(const std::shared_ptr<Writer>& writer)
{
    auto thread = start_thread("keel-ledger", [writer] { writer->live(); });
    const std::lock_guard lock(writer->mutex_);
    if (thread) {
        thread->detach();
        if (writer->life_ == Life::begins) writer->life_ = Life::lives;
        return;
    }
    writer->life_ = Life::over;
    writer->trouble_ = thread.error().text();
    writer->tell("the ledger is not written: " + writer->trouble_);
}

void SqliteLedger::Writer::end(Duration patience, LedgerFile::End how)
{
    std::unique_lock lock(mutex_);
    end_ = how;
    if (life_ != Life::over) life_ = Life::ending;
    work_.notify_all();
    hurry_.notify_all();
    over_.wait_for(lock, patience, [this] { return life_ == Life::over; });
}

// ---- what waits -------------------------------------------------------------------------------

void SqliteLedger::Writer::keep(Stamped outage)
{
    const std::lock_guard lock(mutex_);
    waiting_.outages.insert_or_assign(outage.record.id, std::move(outage));
    heed_kept();
}

void SqliteLedger::Writer::keep(const core::SpawnRecord& spawn)
{
    const std::lock_guard lock(mutex_);
    waiting_.spawns.insert_or_assign(spawn.id, spawn);
    heed_kept();
}

void SqliteLedger::Writer::keep(const core::OperationRecord& operation)
{
    const std::lock_guard lock(mutex_);
    waiting_.operations.insert_or_assign(operation.id, operation);
    heed_kept();
}

void SqliteLedger::Writer::keep(const std::string& unit, const core::DeploymentRecord& deployment)
{
    const std::lock_guard lock(mutex_);
    waiting_.deployments.insert_or_assign({unit, deployment.number}, deployment);
    heed_kept();
}

void SqliteLedger::Writer::keep(StampedChange change)
{
    const std::lock_guard lock(mutex_);
    waiting_.changes.push_back(std::move(change));
    heed_kept();
}

void SqliteLedger::Writer::go_on_with(ports::Beginning beginning)
{
    const std::lock_guard lock(mutex_);
    waiting_.beginning = std::move(beginning);
    work_.notify_one();
}

void SqliteLedger::Writer::suspect(std::uint64_t inode)
{
    const std::lock_guard lock(mutex_);
    suspect_ = inode;
    work_.notify_one();
}

void SqliteLedger::Writer::heed_kept()
{
    drop_beyond_bound();
    work_.notify_one();
}

void SqliteLedger::Writer::drop_beyond_bound()
{
    while (waiting_.size() > waiting_max) {
        waiting_.drop_one();
        ++lost_;
    }
    if (lost_ == lost_before_ || std::exchange(loss_told_, true)) return;
    tell(fmt::format("more than {} records wait to be written: the oldest are lost", waiting_max));
}

std::optional<ports::LastLife> SqliteLedger::Writer::last_life(Duration patience)
{
    std::unique_lock lock(mutex_);
    begun_.wait_for(lock, patience, [this] { return tried_ == Tried::yes || life_ == Life::over; });
    return last_life_;
}

ports::LedgerStanding SqliteLedger::Writer::standing() const
{
    const std::lock_guard lock(mutex_);
    return {trouble_, waiting_.size(), lost_, since_};
}

LedgerFile::News SqliteLedger::Writer::take_news()
{
    const std::lock_guard lock(mutex_);
    eventfd_t rings = 0;
    ::eventfd_read(bell_.get(), &rings);
    return std::exchange(news_, {});
}

void SqliteLedger::Writer::tell(std::string text)
{
    constexpr std::size_t texts_max = 16; // Nobody may be listening.
    if (news_.texts.size() < texts_max) news_.texts.push_back(std::move(text));
    ::eventfd_write(bell_.get(), 1);
}

// ---- the thread -------------------------------------------------------------------------------

void SqliteLedger::Writer::live()
{
    std::unique_lock lock(mutex_);
    do
        write_once(lock); // At first what there is is opened and examined, records or none.
    while (wait_for_work(lock) == Next::write);
    if (!waiting_.empty()) write_once(lock);
    const LedgerFile::End how = end_;
    lock.unlock();
    file_.close(how);
    lock.lock();
    life_ = Life::over;
    over_.notify_all();
}

SqliteLedger::Writer::Next SqliteLedger::Writer::wait_for_work(std::unique_lock<std::mutex>& lock)
{
    const auto is_ending = [this] { return life_ == Life::ending; };
    if (!trouble_.empty()) {
        hurry_.wait_for(lock, retry_span, is_ending);
    } else {
        const auto has_work = [&] { return is_ending() || suspect_ || !waiting_.empty(); };
        // While it gathers nobody wakes it for one more record.
        if (work_.wait_for(lock, note_span, has_work)) hurry_.wait_for(lock, batch_span, is_ending);
    }
    return is_ending() ? Next::end : Next::write;
}

void SqliteLedger::Writer::write_once(std::unique_lock<std::mutex>& lock)
{
    Batch batch = std::exchange(waiting_, {});
    const auto suspect = std::exchange(suspect_, std::nullopt);
    lock.unlock();
    if (suspect) file_.suspect(*suspect);
    const auto trouble = file_.write(batch);
    LedgerFile::News news = file_.take_news();
    lock.lock();
    if (std::exchange(tried_, Tried::yes) == Tried::no) begun_.notify_all();
    since_ = file_.since();
    if (trouble) put_back(std::move(batch));
    for (std::string& text : news.texts)
        tell(std::move(text));
    if (news.begun_anew) {
        news_.begun_anew = true;
        ::eventfd_write(bell_.get(), 1);
    }
    settle(trouble);
}

void SqliteLedger::Writer::hear_last_life(const std::optional<ports::LastLife>& life)
{
    const std::lock_guard lock(mutex_);
    last_life_ = life;
    tried_ = Tried::yes;
    begun_.notify_all();
}

void SqliteLedger::Writer::put_back(Batch batch)
{
    waiting_.add_older(std::move(batch));
    drop_beyond_bound();
}

/// Tells when trouble begins, and when it is over; not each time that it is tried.
void SqliteLedger::Writer::settle(const std::optional<std::string>& trouble)
{
    const bool had_trouble = !trouble_.empty();
    trouble_ = trouble.value_or("");
    if (trouble && !had_trouble)
        tell(fmt::format("the ledger cannot be written, and records wait: {}", *trouble));
    if (trouble || !had_trouble) return;
    const std::uint64_t lost = lost_ - std::exchange(lost_before_, lost_);
    loss_told_ = false;
    tell(lost == 0 ? "the ledger is written again, and nothing was lost"
                   : fmt::format("the ledger is written again; {} records were lost", lost));
}

} // namespace keel::ledger
