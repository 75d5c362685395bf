// The bytes of a tar archive as they come out of its compression, if it has one: gzip, zstd or
// none.
//
// Counts what comes out, and refuses a bomb before it has gone off. Knows nothing of tar, but where
// the zeros at its end begin. One layer of compression is undone, never two.
#pragma once
#include "deploy/limits.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

struct archive;

namespace keel::deploy {

/// The next bytes of the file; none at its end. They stay valid until the next call. May throw.
using NextBytes = std::function<std::span<const char>()>;

struct FreeReader {
    void operator()(archive* reader) const;
};
using Reader = std::unique_ptr<archive, FreeReader>;

/// Lets libarchive read from `next`, which must outlive the reader. What it throws is kept, as
/// nothing may be thrown through C, and thrown again by rethrow().
class Feed {
public:
    explicit Feed(NextBytes next) : next_(std::move(next)) {}
    void open(archive* reader);
    void rethrow() const;

private:
    static ssize_t read(archive* reader, void* self, const void** block);

    NextBytes next_;
    std::exception_ptr thrown_;
};

class ArchiveStream {
public:
    /// `size`: of all that `next` will give.
    ArchiveStream(NextBytes next, std::uint64_t size, const Limits& limits);

    /// Throws Failed with Fault::release.
    std::span<const char> next();

    [[nodiscard]] std::uint64_t bytes() const { return bytes_; } ///< that came out
    [[nodiscard]] std::uint64_t zeros() const { return zeros_; } ///< of them, the last ones
    /// How far the file has been read.
    [[nodiscard]] std::uint64_t consumed() const;

private:
    void begin();
    void count(std::span<const char> bytes);
    void check_end() const;

    Limits limits_;
    std::uint64_t size_;
    Feed feed_;
    Reader reader_;
    bool begun_ = false;
    bool ended_ = false;
    std::uint64_t bytes_ = 0;
    std::uint64_t zeros_ = 0;
};

/// What libarchive has to say, printable, as the reason for a refusal.
[[noreturn]] void refuse_archive(archive* reader);

} // namespace keel::deploy
