// Reads a tar archive from its first byte to its last, and tells what is in it to whoever unpacks
// it.
//
// Every entry has been judged by the EntryPolicy before it is told, and after the last one it is
// sure that nothing else was there: no bytes behind the end, no end that is missing. A sink that
// does nothing makes a check of it.
#pragma once
#include "deploy/archive_stream.hpp"
#include "deploy/entry_policy.hpp"

#include <span>

namespace keel::deploy {

/// What is made of an archive. All of it may throw, which ends the reading.
class EntrySink {
public:
    virtual ~EntrySink() = default;
    virtual void directory(const Entry& entry, const Place& place) = 0;
    virtual void symbolic_link(const Entry& entry, const Place& place) = 0;
    virtual void hard_link(const Entry& entry, const Place& place) = 0;
    virtual void begin_file(const Entry& entry, const Place& place) = 0;
    /// In the order of `offset`; what is left out are zeros.
    virtual void file_bytes(std::span<const char> bytes, std::uint64_t offset) = 0;
    virtual void end_file() = 0;
};

struct ArchiveTotals {
    std::uint64_t bytes = 0;
    std::uint64_t entries = 0;
};

/// Called now and then with what has been read so far.
using Progress = std::function<void(const ArchiveTotals&)>;

/// `size`: of all that `next` will give. Throws Failed.
ArchiveTotals read_archive(NextBytes next, std::uint64_t size, const Limits& limits,
                           EntrySink& sink, const Progress& progress);

} // namespace keel::deploy
