// For tests of logs: a place for FIFOs and files, and what lies in it.
#pragma once
#include "sys/log_names.hpp"
#include "sys/log_sink.hpp"
#include "tests/support/temp_dir.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace keel::test {

inline std::string read_file(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Blocks like a program that writes to its output.
inline void write_all(int fd, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
        ASSERT_GT(wrote, 0);
        bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
}

inline std::size_t open_descriptors()
{
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

class LogPlace {
public:
    [[nodiscard]] std::filesystem::path fifo() const { return dir_ / "fifo"; }
    [[nodiscard]] std::filesystem::path log() const { return dir_ / "log"; }
    [[nodiscard]] sys::LogSinkOptions options() const
    {
        sys::LogSinkOptions options;
        options.fifo_dir = fifo();
        options.log_dir = log();
        return options;
    }
    [[nodiscard]] sys::LogNames names(const std::string& unit, Slot slot = 1) const
    {
        return {log(), unit, slot};
    }
    /// Contents of an instance's files, oldest first.
    [[nodiscard]] std::vector<std::string> files(const std::string& unit, Slot slot) const
    {
        const auto all = names(unit, slot);
        std::vector<std::string> contents;
        for (const std::uint64_t sequence : all.list_rotated())
            contents.push_back(read_file(all.rotated(sequence)));
        contents.push_back(read_file(all.current()));
        return contents;
    }

private:
    TempDir dir_;
};

} // namespace keel::test
