// ports::StateJournal in a file under /run.
//
// Promises: a record is in the kernel's hands when put() returns; a new engine finds all of them,
// whatever the moment at which the last one died. The file stays within four times what is live
// plus 256 KiB. Where the file cannot be written (full, read-only, no such directory) everything
// is kept in memory and written as a whole as soon as that works again; the failure is told once.
// It refuses to know what records mean. Bytes: state_journal_format.hpp.
#pragma once
#include "ports/state_journal.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace keel::sys {

class FileStateJournal final : public ports::StateJournal {
public:
    /// A compacted file takes the old one's place at once, or when it is on the disk itself: a loss
    /// of power may leave nothing of one that is not. Whoever puts waits for the disk then.
    enum class Replaces : std::uint8_t { at_once, once_on_disk };

    struct Options {
        std::string path;
        std::string boot_id; ///< a file that names another one is begun anew
        std::function<void(const Error&)> on_failure; ///< at the first failure after each success
        std::function<void()> on_written{};           ///< after whatever reached the file
        std::size_t live_max = std::size_t{32} << 20; ///< bytes of records; more are refused
        Replaces replaces = Replaces::at_once;
    };

    /// Never fails as such: without its file it recovers nothing and goes on in memory.
    explicit FileStateJournal(Options options);
    ~FileStateJournal() override;
    FileStateJournal(const FileStateJournal&) = delete;
    FileStateJournal& operator=(const FileStateJournal&) = delete;

    [[nodiscard]] const std::map<std::string, std::string>& recovered() const override;
    /// A key is 1 to 255 bytes, a record at most 1 MiB; more counts as a failure and is not kept.
    void put(std::string_view key, std::string_view record) override;
    void erase(std::string_view key) override;

    /// Writes that did not reach the file.
    [[nodiscard]] std::uint64_t failures() const { return failures_; }
    /// Bytes of the file as far as it is good.
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    void recover();
    void append(std::string_view record);
    [[nodiscard]] Result<void> write_at_end(std::string_view bytes);
    [[nodiscard]] Result<void> rewrite();
    void settle(const Result<void>& outcome);

    Options options_;
    std::map<std::string, std::string> recovered_;
    std::map<std::string, std::string, std::less<>> live_;
    std::size_t live_size_ = 0;
    std::size_t size_ = 0;
    std::size_t compact_above_ = 0; ///< after a compaction that failed: when to try the next
    int fd_ = -1; ///< -1: the file does not say what live_ says, and is to be rewritten
    bool told_ = false;
    std::uint64_t failures_ = 0;
    std::string record_; ///< reused, so that a put allocates nothing
};

} // namespace keel::sys
