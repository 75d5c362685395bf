// System calls on files as this folder uses them: below an open directory, never through a symbolic
// link at the end of a name, closed on exec, and a failure is thrown with the file's name.
//
// It decides nothing.
#pragma once
#include "base/owned_fd.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace keel::deploy {

/// Adds O_CLOEXEC and O_NOFOLLOW.
OwnedFd open_at(int dir, const std::string& name, int flags, mode_t mode = 0);
/// The same; none if there is nothing of that name.
std::optional<OwnedFd> open_if_there(int dir, const std::string& name, int flags);
/// Makes it first where it is not there.
OwnedFd open_directory(int dir, const std::string& name, mode_t mode);

struct stat stat_of(int fd, const std::string& name);
bool is_there(int dir, const std::string& name);

/// Of all that is in the directory, sorted: while they are read nothing is changed, which readdir
/// does not like.
std::vector<std::string> names_in(int dir, const std::string& name);

/// Of a file or a link. It may be gone already.
void remove_file(int dir, const std::string& name);
void rename_at(int dir, const std::string& from, const std::string& to);
/// Waits until it is on the disk.
void synchronise(int fd, const std::string& name);

void write_all(int fd, std::span<const char> bytes, const std::string& name);
/// From its beginning, block after block, to its end.
void read_all(int fd, const std::string& name,
              const std::function<void(std::span<const char>)>& take);
/// All of a file from its beginning, or as much of it as `limit` and one byte more.
std::string read_small(int fd, std::size_t limit, const std::string& name);

/// Room on the disk behind it that this process may use.
std::uint64_t room_at(int fd);
/// Throws Failed, as of a full disk, if there is less room than `needed`.
void need_room(int fd, std::uint64_t needed);

} // namespace keel::deploy
