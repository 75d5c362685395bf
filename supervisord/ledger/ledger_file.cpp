#include "ledger/ledger_file.hpp"

#include "ledger/schema.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace keel::ledger {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t examined_to_the_core = std::uint64_t{64} << 20; ///< bytes; takes half a
                                                                        ///< second at most
constexpr Duration bounds_every = std::chrono::minutes(10);
constexpr Duration set_aside_every = std::chrono::minutes(1);
constexpr std::int64_t forgotten_at_once = 1000;
constexpr Duration spawns_kept = std::chrono::hours(24 * 30); ///< one by one; then by the day
constexpr std::string_view aside_mark = ".damaged-";

/// `20250131T091502.482Z`, for the name of a file.
std::string stamp(WallTime at)
{
    std::string text = to_rfc3339(at);
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text;
}

} // namespace

// ---- batches ----------------------------------------------------------------------------------

std::size_t Batch::size() const
{
    return outages.size() + spawns.size() + operations.size() + deployments.size() + changes.size();
}

void Batch::add_older(Batch older)
{
    // merge() leaves what is there already: it is newer.
    outages.merge(older.outages);
    spawns.merge(older.spawns);
    operations.merge(older.operations);
    deployments.merge(older.deployments);
    changes.insert(changes.begin(), older.changes.begin(), older.changes.end());
    if (!beginning) beginning = std::move(older.beginning);
}

void Batch::drop_one()
{
    if (!spawns.empty())
        spawns.erase(spawns.begin());
    else if (!operations.empty())
        operations.erase(operations.begin());
    else if (!deployments.empty())
        deployments.erase(deployments.begin());
    else if (!outages.empty())
        outages.erase(outages.begin());
    else if (!changes.empty())
        changes.pop_front();
}

// ---- the file ---------------------------------------------------------------------------------

LedgerFile::LedgerFile(Options options) : options_(std::move(options)), began_(options_.now()) {}

std::uint64_t LedgerFile::inode_of(const std::string& path)
{
    struct stat file {};
    return ::stat(path.c_str(), &file) == 0 ? file.st_ino : 0;
}

LedgerFile::News LedgerFile::take_news() { return std::exchange(news_, {}); }

std::optional<std::string> LedgerFile::write(const Batch& batch)
{
    // Once more after a file was set aside, as the one that takes its place is sound.
    for (int attempt = 0;; ++attempt) {
        try {
            const auto suspect = std::exchange(suspect_, std::nullopt);
            if (suspect && *suspect == inode_of(options_.path))
                throw Failed(SQLITE_CORRUPT, "what it holds makes no sense");
            if (database_ && was_replaced()) database_.reset();
            if (!database_) open();
            carry_out(batch);
            keep_within_bounds();
            return std::nullopt;
        } catch (const Failed& failed) {
            const bool is_damaged = failed.is_damage() || failed.is_misfit();
            if (is_damaged && database_) database_->at_end(Database::AtEnd::leave);
            if (!failed.is_passing()) database_.reset();
            const Duration now = options_.now().boottime;
            const bool too_soon = set_aside_at_ && now - *set_aside_at_ < set_aside_every;
            if (attempt > 0 || too_soon || !is_damaged) return failed.what();
            try {
                set_aside(failed.what());
                set_aside_at_ = now;
            } catch (const std::system_error& refused) {
                return fmt::format("it is damaged ({}) and cannot be set aside: {}", failed.what(),
                                   refused.code().message());
            }
        }
    }
}

// ---- opening ----------------------------------------------------------------------------------

/// It counts as open only when all of this has been done to it.
void LedgerFile::open()
{
    std::error_code ignored; // Opening tells of it.
    fs::create_directories(fs::path(options_.path).parent_path(), ignored);
    Database opened(options_.path, Database::Mode::read_write, patience);
    const std::uint64_t inode = inode_of(options_.path);
    if (inode != inode_) life_ = 0;
    if (examined_ != inode) examine(opened);
    examined_ = inode;
    const Found found = migrate(opened);
    opened.run("PRAGMA journal_mode = WAL");
    opened.run("PRAGMA synchronous = NORMAL");
    opened.run("PRAGMA journal_size_limit = 1048576");
    tell_last_life(opened);
    since_ = read_since(opened);
    opened.at_end(Database::AtEnd::tidy);
    database_ = std::move(opened);
    inode_ = inode;
    if (found == Found::nothing) news_.begun_anew = true;
}

/// Reads all of it once. The indexes of a large file are left out: they would take too long. Nor
/// does Keel's start wait for the rest of it: a few rows are taken at their word.
void LedgerFile::examine(Database& database)
{
    std::error_code ignored;
    const auto size = fs::file_size(options_.path, ignored);
    const bool is_small = !ignored && size < examined_to_the_core;
    database.run("PRAGMA cell_size_check = ON");
    if (!is_small && is_of_this_version(database)) tell_last_life(database);
    const std::string verdict =
        database.text(is_small ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)");
    if (verdict != "ok") throw Failed(SQLITE_CORRUPT, verdict);
}

void LedgerFile::tell_last_life(Database& database)
{
    if (std::exchange(told_last_life_, true) || !options_.on_last_life) return;
    options_.on_last_life(
        read_last_life(database, options_.boot, options_.now(), options_.suspended));
}

/// Another file stands in its place, or none.
bool LedgerFile::was_replaced() const { return inode_of(options_.path) != inode_; }

void LedgerFile::set_aside(const std::string& why)
{
    const std::string aside =
        fmt::format("{}{}{}", options_.path, aside_mark, stamp(options_.now().wall));
    // What belongs to it first: the file that is left behind without them would be another one.
    for (const char* part : {"-wal", "-shm"}) {
        std::error_code missing;
        fs::rename(options_.path + part, aside + part, missing);
        if (missing && missing != std::errc::no_such_file_or_directory)
            throw std::system_error(missing);
    }
    std::error_code failed;
    fs::rename(options_.path, aside, failed);
    if (failed) throw std::system_error(failed);
    examined_ = 0;
    news_.texts.push_back(fmt::format("the ledger is damaged ({}): it was set aside as {}, and a "
                                      "new one is begun",
                                      why, aside));
    forget_old_asides();
}

void LedgerFile::forget_old_asides() const
{
    const fs::path path(options_.path);
    const std::string beginning = path.filename().string() + std::string(aside_mark);
    std::vector<fs::path> asides;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path.parent_path(), ignored)) {
        const std::string file = entry.path().filename().string();
        if (file.starts_with(beginning) && file.ends_with('Z')) asides.push_back(entry.path());
    }
    std::ranges::sort(asides, std::greater{}); // The latest first, as their names tell the time.
    for (std::size_t i = aside_max; i < asides.size(); ++i)
        for (const char* part : {"", "-wal", "-shm"})
            fs::remove(asides[i].string() + part, ignored);
}

void LedgerFile::close(End how)
{
    if (!database_) return;
    try {
        if (how == End::in_order)
            end_life(*database_, life_, options_.now());
        else
            note_life(*database_, life_, options_.now());
    } catch (const Failed&) {
        database_->at_end(Database::AtEnd::leave);
    }
    database_.reset();
}

// ---- writing ----------------------------------------------------------------------------------

/// A life is in the file from when it is known how it goes on from the one before: until then a
/// next one finds that one, and not a life that never got as far as its first record.
void LedgerFile::carry_out(const Batch& batch)
{
    Transaction all(*database_);
    std::int64_t life = life_;
    if (life == 0 && (batch.beginning || has_gone_on_))
        life = begin_life(*database_, options_.boot, has_gone_on_ ? options_.now() : began_);
    if (batch.beginning) put(*database_, *batch.beginning, life);
    for (const StampedChange& change : batch.changes)
        put(*database_, change, options_.boot);
    for (const auto& [id, operation] : batch.operations)
        put(*database_, operation);
    for (const auto& [key, deployment] : batch.deployments)
        put(*database_, key.first, deployment);
    for (const auto& [id, spawn] : batch.spawns)
        put(*database_, spawn, options_.boot);
    for (const auto& [id, outage] : batch.outages)
        put(*database_, outage, options_.boot);
    note_life(*database_, life, options_.now());
    all.commit();
    life_ = life;
    if (batch.beginning) has_gone_on_ = true;
    if (!since_) since_ = read_since(*database_);
}

void LedgerFile::keep_within_bounds()
{
    const Moment now = options_.now();
    const auto page = static_cast<std::uint64_t>(database_->number("PRAGMA page_size"));
    const auto pages = [&](const char* pragma) {
        return static_cast<std::uint64_t>(database_->number(pragma));
    };
    const bool is_due = !bounds_seen_ || now.boottime - *bounds_seen_ >= bounds_every;
    if (is_due) {
        bounds_seen_ = now.boottime;
        Transaction old(*database_);
        fold_spawns(*database_, now.wall - spawns_kept, options_.boot, forgotten_at_once);
        (void)forget_ended_before(*database_, now.wall - options_.keep, forgotten_at_once);
        old.commit();
    }
    if (pages("PRAGMA page_count") * page <= options_.size_max) return;
    const auto used = [&] {
        return (pages("PRAGMA page_count") - pages("PRAGMA freelist_count")) * page;
    };
    Transaction oldest(*database_);
    while (used() > options_.size_max / 10 * 9)
        if (forget_of_least_worth(*database_, forgotten_at_once / 10, life_) == 0) break;
    oldest.commit();
    database_->run("PRAGMA incremental_vacuum");
}

} // namespace keel::ledger
