// SQLite in a few words: a database, its statements, and a failure as an exception.
//
// Private to this folder: nobody outside sees a handle, a code or an exception of it. A database
// and its statements belong to one thread at a time.
#pragma once
#include "base/text.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace keel::ledger {

class Failed final : public std::exception {
public:
    /// Of a damaged file SQLite quotes whatever it holds.
    Failed(int code, std::string_view text) : code_(code), text_(printable(text)) {}
    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
    /// The file is no database any more: trying again will not help.
    [[nodiscard]] bool is_damage() const;
    /// No room, or somebody else is at it: nothing is wrong with the file or the connection.
    [[nodiscard]] bool is_passing() const;
    /// A statement does not fit its tables: they are not what they should be, or not yet.
    [[nodiscard]] bool is_misfit() const;

private:
    int code_;
    std::string text_;
};

class Statement {
public:
    Statement(sqlite3* database, std::string_view sql);

    /// Begins anew, with these values in place of its question marks.
    template <class... Values> Statement& with(const Values&... values)
    {
        begin();
        int at = 0;
        (bind(++at, values), ...);
        return *this;
    }
    /// The next row; false: there is none (any more).
    bool step();
    /// To its end.
    void run();

    // Of the present row, columns counted from 0.
    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] double real(int column) const;
    /// At most `text_max` bytes of it, what cannot be printed shown as escapes.
    [[nodiscard]] std::string text(int column) const;
    static constexpr std::size_t text_max = std::size_t{64} << 10;

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    void begin();
    void bind(int at, std::nullopt_t);
    void bind(int at, std::int64_t value);
    void bind(int at, double value);
    void bind(int at, std::string_view value);
    template <class T> void bind(int at, const std::optional<T>& value)
    {
        value ? bind(at, *value) : bind(at, std::nullopt);
    }
    void check(int code) const;

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
public:
    enum class Mode : std::uint8_t { read_write, read_only };

    /// `patience`: so long it waits for others who hold the file.
    Database(const std::string& path, Mode mode, Duration patience);

    [[nodiscard]] Statement prepare(std::string_view sql) const;
    /// One statement, without values and whatever its rows.
    void run(std::string_view sql) const;
    /// Rows changed by the latest statement.
    [[nodiscard]] std::int64_t changes() const;
    [[nodiscard]] std::int64_t
    number(std::string_view sql) const;                         ///< first column of the first row
    [[nodiscard]] std::string text(std::string_view sql) const; ///< the same

    /// Whether its end brings what the log holds into the file. Not before that is known to be
    /// sound, as a file that is not is to be left as it was found.
    enum class AtEnd : std::uint8_t { leave, tidy };
    void at_end(AtEnd what) const;

private:
    struct Close {
        void operator()(sqlite3* database) const;
    };
    std::unique_ptr<sqlite3, Close> database_;
};

/// All or nothing: what was done since is undone unless it was committed.
class Transaction {
public:
    explicit Transaction(Database& database);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    void commit();

private:
    Database* database_;
};

} // namespace keel::ledger
