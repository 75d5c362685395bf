#include "ledger/sqlite.hpp"

#include <chrono>
#include <sqlite3.h>
#include <utility>

namespace keel::ledger {

bool Failed::is_damage() const
{
    switch (code_ & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT: return true;
    default: return false;
    }
}

bool Failed::is_passing() const
{
    const int kind = code_ & 0xff;
    return kind == SQLITE_FULL || kind == SQLITE_BUSY || kind == SQLITE_LOCKED;
}

bool Failed::is_misfit() const
{
    switch (code_ & 0xff) {
    // What these say is wrong with a statement of ours is wrong with the tables that it names.
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH: return true;
    default: return false;
    }
}

namespace {

[[noreturn]] void fail(sqlite3* database, int code)
{
    const bool has_more = database != nullptr && sqlite3_errcode(database) == (code & 0xff);
    throw Failed(code, has_more ? sqlite3_errmsg(database) : sqlite3_errstr(code));
}

} // namespace

// ---- statements -------------------------------------------------------------------------------

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement::Statement(sqlite3* database, std::string_view sql)
{
    sqlite3_stmt* made = nullptr;
    const int code =
        sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &made, nullptr);
    statement_.reset(made);
    if (code != SQLITE_OK) fail(database, code);
}

void Statement::check(int code) const
{
    if (code != SQLITE_OK) fail(sqlite3_db_handle(statement_.get()), code);
}

void Statement::begin()
{
    sqlite3_reset(statement_.get()); // What it says is the former run's failure once more.
    sqlite3_clear_bindings(statement_.get());
}

void Statement::bind(int at, std::nullopt_t) { check(sqlite3_bind_null(statement_.get(), at)); }

void Statement::bind(int at, std::int64_t value)
{
    check(sqlite3_bind_int64(statement_.get(), at, value));
}

void Statement::bind(int at, double value)
{
    check(sqlite3_bind_double(statement_.get(), at, value));
}

void Statement::bind(int at, std::string_view value)
{
    const char* const text = value.data() != nullptr ? value.data() : ""; // Not for want of one.
    check(sqlite3_bind_text64(statement_.get(), at, text, value.size(), SQLITE_TRANSIENT,
                              SQLITE_UTF8));
}

bool Statement::step()
{
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    fail(sqlite3_db_handle(statement_.get()), code);
}

void Statement::run()
{
    while (step()) {
    }
    sqlite3_reset(statement_.get());
}

bool Statement::is_null(int column) const
{
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const
{
    return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Statement::text(int column) const
{
    const auto* bytes = sqlite3_column_text(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    if (bytes == nullptr) return {};
    // A damaged file may hold any bytes, and may have gone on being read until now.
    return printable({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)},
                     text_max);
}

// ---- databases --------------------------------------------------------------------------------

void Database::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Database::Database(const std::string& path, Mode mode, Duration patience)
{
    const int access =
        mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &opened,
                                     access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    database_.reset(opened);
    if (code != SQLITE_OK) fail(opened, code);
    using std::chrono::milliseconds;
    const auto wait = std::chrono::duration_cast<milliseconds>(patience).count();
    sqlite3_busy_timeout(opened, static_cast<int>(wait));
    // A damaged file may hold anything: nothing in it is trusted to run.
    (void)sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    (void)sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    (void)sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    (void)sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    at_end(AtEnd::leave);
}

Statement Database::prepare(std::string_view sql) const { return {database_.get(), sql}; }

void Database::run(std::string_view sql) const { prepare(sql).run(); }

std::int64_t Database::changes() const { return sqlite3_changes64(database_.get()); }

std::int64_t Database::number(std::string_view sql) const
{
    Statement statement = prepare(sql);
    return statement.step() ? statement.integer(0) : 0;
}

std::string Database::text(std::string_view sql) const
{
    Statement statement = prepare(sql);
    return statement.step() ? statement.text(0) : std::string();
}

void Database::at_end(AtEnd what) const
{
    (void)sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
                            what == AtEnd::leave ? 1 : 0, nullptr);
}

Transaction::Transaction(Database& database) : database_(&database)
{
    database.run("BEGIN IMMEDIATE");
}

Transaction::~Transaction()
{
    if (database_ == nullptr) return;
    try {
        database_->run("ROLLBACK");
    } catch (const Failed&) {
        return; // SQLite has undone it already, as it does when a disk is full.
    }
}

void Transaction::commit()
{
    database_->run("COMMIT");
    database_ = nullptr;
}

} // namespace keel::ledger
