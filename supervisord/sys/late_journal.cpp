#include "sys/late_journal.hpp"

#include "base/owned_fd.hpp"
#include "base/thread.hpp"

#include <condition_variable>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <optional>
#include <unistd.h>
#include <utility>

namespace keel::sys {
namespace {

/// It is a thread's, which may wait.
FileStateJournal::Options for_a_disk(FileStateJournal::Options options)
{
    options.replaces = FileStateJournal::Replaces::once_on_disk;
    return options;
}

} // namespace

class LateJournal::Writer {
public:
    explicit Writer(FileStateJournal::Options options)
        : path_(options.path), on_failure_(options.on_failure),
          file_(for_a_disk(std::move(options)))
    {}

    static void begin(const std::shared_ptr<Writer>& writer)
    {
        auto thread = start_thread("keel-journal", [writer] { writer->live(); });
        if (thread) return thread->detach();
        const std::lock_guard lock(writer->mutex_);
        writer->life_ = Life::over;
        if (writer->on_failure_) writer->on_failure_(thread.error());
    }

    void change(std::string_view key, std::optional<std::string> record)
    {
        const std::lock_guard lock(mutex_);
        if (life_ == Life::over) return;
        const bool is_first = changes_.empty();
        changes_.insert_or_assign(std::string(key), std::move(record));
        if (is_first) work_.notify_one();
    }

    void settle(std::chrono::milliseconds patience)
    {
        std::unique_lock lock(mutex_);
        if (changes_.empty() && !is_writing_) return;
        // What is being written may not have all of it.
        const std::uint64_t wanted =
            writes_ + (is_writing_ ? 1U : 0U) + (changes_.empty() ? 0U : 1U);
        is_urgent_ = true;
        work_.notify_all();
        written_.wait_for(lock, patience, [&] { return writes_ >= wanted; });
    }

    void end()
    {
        std::unique_lock lock(mutex_);
        if (life_ != Life::over) life_ = Life::ending;
        work_.notify_all();
        over_.wait_for(lock, patience_at_end, [this] { return life_ == Life::over; });
    }

    [[nodiscard]] const FileStateJournal& file() const { return file_; }

private:
    using Changes = std::map<std::string, std::optional<std::string>, std::less<>>;

    void live()
    {
        std::unique_lock lock(mutex_);
        const auto is_ending = [this] { return life_ == Life::ending; };
        while (!is_ending() || !changes_.empty()) {
            work_.wait(lock, [&] { return is_ending() || !changes_.empty(); });
            work_.wait_for(lock, gather_span, [&] { return is_ending() || is_urgent_; });
            const Changes changes = std::exchange(changes_, {});
            is_urgent_ = false;
            is_writing_ = true;
            lock.unlock();
            write(changes);
            lock.lock();
            is_writing_ = false;
            ++writes_;
            written_.notify_all();
        }
        life_ = Life::over;
        over_.notify_all();
    }

    void write(const Changes& changes)
    {
        for (const auto& [key, record] : changes)
            record ? file_.put(key, *record) : file_.erase(key);
        // What could not be written was told; what was, is brought to the disk itself.
        const OwnedFd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
        if (file) (void)::fsync(file.get());
        const auto folder = std::filesystem::path(path_).parent_path();
        const OwnedFd place(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (place) (void)::fsync(place.get());
    }

    const std::string path_;
    const std::function<void(const Error&)> on_failure_;
    FileStateJournal file_; ///< the thread's, once that lives

    std::mutex mutex_; ///< of what follows
    std::condition_variable work_;
    std::condition_variable over_;
    std::condition_variable written_;
    Changes changes_;
    bool is_urgent_ = false;
    bool is_writing_ = false;
    std::uint64_t writes_ = 0;
    enum class Life : std::uint8_t { lives, ending, over } life_ = Life::lives;
};

LateJournal::LateJournal(FileStateJournal::Options options)
    : writer_(std::make_shared<Writer>(std::move(options))), recovered_(writer_->file().recovered())
{
    Writer::begin(writer_);
}

LateJournal::~LateJournal() { writer_->end(); }

const std::map<std::string, std::string>& LateJournal::recovered() const { return recovered_; }

void LateJournal::put(std::string_view key, std::string_view record)
{
    writer_->change(key, std::string(record));
}

LateJournal::Settle LateJournal::settler() const
{
    return [writer = writer_](std::chrono::milliseconds patience) { writer->settle(patience); };
}

void LateJournal::erase(std::string_view key) { writer_->change(key, std::nullopt); }

} // namespace keel::sys
