// The pipe between an instance's processes and its log: a FIFO with a name, so that a new engine
// finds it again with what it still holds.
//
// One descriptor serves both sides. It is opened for reading and writing, hence a process that has
// it never gets SIGPIPE, not even when engine and keeper are both gone; and it blocks, as programs
// expect of their output. The reader needs no non-blocking twin: splice and tee are told not to
// wait call by call. Half the descriptors of the usual pair, which counts with thousands of them.
#pragma once
#include "base/ids.hpp"
#include "base/owned_fd.hpp"
#include "base/result.hpp"
#include "ports/spawner.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace keel::sys {

/// `worker.3`, the name of an instance and of its FIFO.
[[nodiscard]] std::string instance_name(std::string_view unit, Slot slot);

struct InstanceName {
    std::string unit;
    Slot slot = 1;
};
[[nodiscard]] std::optional<InstanceName> parse_instance_name(std::string_view name);

/// Number under which the keeper holds an instance's FIFO: the same in every engine life, not 0.
[[nodiscard]] std::uint64_t hold_key(std::string_view name);

/// Opens the FIFO, or makes it, 0600. Anything else in its place is removed.
[[nodiscard]] Result<OwnedFd> open_fifo(const std::filesystem::path& path);

/// Gives it to the user of the processes, so that they may open /dev/stdout. Best effort: without
/// root there is no other user to give it to.
void give_fifo(int fifo, const std::optional<ports::Credentials>& owner);

/// Takes back what a process may have set on the description that it shares with its successors:
/// a runtime that makes its output non-blocking must not do so for the next one.
void make_plain(int fifo);

} // namespace keel::sys
