// The ledger's file: opened, examined, set aside when it is damaged, written to, kept in bounds.
//
// Promises: what is written is written as a whole or not at all; a file that SQLite cannot trust is
// renamed with everything that belongs to it and not one byte of it changed, and an empty one takes
// its place; the file stays within `size_max` and one batch, by forgetting the oldest records; of
// files that were set aside the latest `aside_max` stay. It blocks, as disks do, so it belongs to
// the ledger's own thread. It refuses to know why a record was written, and when to try again.
#pragma once
#include "ledger/rows.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace keel::ledger {

/// What is to be written; a later word on a record takes the place of an earlier one.
struct Batch {
    std::map<OutageId, Stamped> outages;
    std::map<SpawnId, core::SpawnRecord> spawns;
    std::map<OperationId, core::OperationRecord> operations;
    /// By unit and number.
    std::map<std::pair<std::string, std::uint64_t>, core::DeploymentRecord> deployments;
    std::deque<StampedChange> changes; ///< in the order of time
    std::optional<ports::Beginning> beginning;

    [[nodiscard]] bool empty() const { return size() == 0 && !beginning; }
    /// Records.
    [[nodiscard]] std::size_t size() const;
    /// Takes over what of an earlier batch nobody has said anything newer of.
    void add_older(Batch older);
    /// Leaves out one record: of what is worth least, the oldest.
    void drop_one();
};

class LedgerFile {
public:
    struct Options {
        std::string path;
        std::string boot = "unknown";
        Duration keep = std::chrono::hours(24 * 400);
        std::uint64_t size_max = std::uint64_t{1} << 30;
        std::function<Moment()> now;
        Duration suspended{0}; ///< of the boot's time ahead of the monotonic clock, as Keel begins
        /// Called once and from within write(), as soon as the file tells of the run before.
        std::function<void(const std::optional<ports::LastLife>&)> on_last_life{};
    };
    static constexpr std::size_t aside_max = 3;
    /// So long it waits for others who hold the file; a Database of a reader may wait as long.
    static constexpr Duration patience = std::chrono::seconds(1);

    explicit LedgerFile(Options options);

    /// 0: there is none.
    [[nodiscard]] static std::uint64_t inode_of(const std::string& path);

    /// Everything of it, or an answer why not: then nothing, and it may be tried again.
    [[nodiscard]] std::optional<std::string> write(const Batch& batch);

    /// All that was written stands in the one file afterwards. `how`: whether Keel meant to end.
    enum class End : std::uint8_t { cut_short, in_order };
    void close(End how);

    /// Somebody could make no sense of the file of that inode: if it is this one, it is set aside
    /// before anything more is written.
    void suspect(std::uint64_t inode) { suspect_ = inode; }

    /// When its records begin; none: it has not told yet.
    [[nodiscard]] std::optional<WallTime> since() const { return since_; }

    /// What came to pass since it was asked last.
    struct News {
        std::vector<std::string> texts;
        bool begun_anew = false;
    };
    [[nodiscard]] News take_news();

private:
    void open();
    void examine(Database& database);
    void tell_last_life(Database& database);
    void set_aside(const std::string& why);
    void forget_old_asides() const;
    void carry_out(const Batch& batch);
    void keep_within_bounds();
    [[nodiscard]] bool was_replaced() const;

    Options options_;
    std::optional<Database> database_;
    std::uint64_t inode_ = 0;    ///< of the file that is open
    std::uint64_t examined_ = 0; ///< inode of the file that was found sound, last
    Moment began_;               ///< Keel, and not the file
    std::int64_t life_ = 0; ///< in the file that is open; 0: it has none, as long as nobody has
                            ///< told how this life goes on from the one before
    bool has_gone_on_ = false;
    bool told_last_life_ = false;
    std::optional<WallTime> since_;
    std::optional<Duration> bounds_seen_; ///< when, in time since the boot
    std::optional<Duration> set_aside_at_;
    std::optional<std::uint64_t> suspect_;
    News news_;
};

} // namespace keel::ledger
