// Looking at what a pipe holds without taking it out, and taking out what nobody wants.
//
// Neither waits: a pipe that its writers share with this reader stays blocking for them, so each
// call says for itself that it does not block.
#pragma once
#include "base/owned_fd.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace keel::sys {

/// One serves any number of pipes.
class PipePeek {
public:
    static constexpr std::size_t look_max = std::size_t{64} << 10;

    /// At most `look_max`, less if the kernel gives less. Valid until the next call.
    [[nodiscard]] Result<std::string_view> look(int pipe);

    /// Whether nothing is in it and nobody can write to it any more.
    [[nodiscard]] bool is_over(int pipe);

    /// Takes up to so many bytes out of the pipe, to nowhere. How many there were.
    std::size_t drop(int pipe, std::size_t bytes);

private:
    Result<void> prepare();

    OwnedFd in_, out_, nowhere_;
    std::string bytes_;
};

} // namespace keel::sys
