// ports::LogReader over the files that LogSink writes.
//
// Promises: tail() and follow() see one sequence of bytes, whatever is rotated meanwhile, as long
// as no file is pruned before it was read; a follower that is overtaken by pruning goes on with the
// oldest file there is. A position names a file by its identity (log_names.hpp), not by its name.
// Without followers there is no descriptor and nothing wakes the loop.
#pragma once
#include "base/owned_fd.hpp"
#include "ports/log_reader.hpp"
#include "sys/log_names.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <vector>

namespace keel::sys {

class LogFollower;

class LogReader final : public ports::LogReader {
public:
    LogReader(ports::Loop& loop, std::filesystem::path log_dir);
    ~LogReader() override;
    LogReader(const LogReader&) = delete;
    LogReader& operator=(const LogReader&) = delete;

    [[nodiscard]] Result<ports::LogTail> tail(const std::string& unit, Slot slot, std::size_t lines,
                                              std::optional<WallTime> since) const override;
    [[nodiscard]] Result<std::unique_ptr<ports::LogWalk>> walk(const std::string& unit, Slot slot,
                                                               WallTime since) const override;
    [[nodiscard]] Result<ports::Loop::Registration>
    follow(const std::string& unit, Slot slot, ports::LogPosition from,
           std::function<void(std::string_view bytes)> handler) override;

private:
    class Watches;
    class Following;

    const std::filesystem::path log_dir_;
    std::shared_ptr<Watches> watches_; ///< shared with registrations, which may live longer
};

} // namespace keel::sys
