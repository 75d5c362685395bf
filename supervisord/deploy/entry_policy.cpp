#include "deploy/entry_policy.hpp"

#include "base/text.hpp"
#include "deploy/failed.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sys/stat.h>

namespace keel::deploy {
namespace {

[[noreturn]] void refuse(const Entry& entry, std::string_view why)
{
    throw Failed(Fault::release,
                 fmt::format("the archive is refused: {}: {}", printable(entry.path, 200), why));
}

/// The components of a path, without empty ones and `.`.
std::vector<std::string_view> components_of(std::string_view path)
{
    std::vector<std::string_view> components;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        const std::string_view one = path.substr(0, end);
        if (!one.empty() && one != ".") components.push_back(one);
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return components;
}

std::string_view refused_kind(EntryKind kind)
{
    switch (kind) {
    case EntryKind::character_device: return "is a character device";
    case EntryKind::block_device: return "is a block device";
    case EntryKind::fifo: return "is a FIFO";
    case EntryKind::socket: return "is a socket";
    case EntryKind::other: return "is neither a file, a directory nor a link";
    case EntryKind::file:
    case EntryKind::directory:
    case EntryKind::symbolic_link:
    case EntryKind::hard_link: break;
    }
    return {};
}

} // namespace

bool is_plain(std::string_view text)
{
    // An escaped byte takes four, so nothing is cut.
    return printable(text, 4 * text.size() + 4) == text;
}

Place EntryPolicy::take(const Entry& entry)
{
    check_kind(entry);
    Place place;
    place.path = place_of(entry, entry.path, "its name");
    if (place.path.empty()) {
        if (entry.kind != EntryKind::directory) refuse(entry, "has no name");
        return place;
    }
    add_parents(entry, place);
    if (entry.kind == EntryKind::symbolic_link) check_symbolic_link(entry, place.path);
    if (entry.kind == EntryKind::hard_link) {
        place.target = place_of(entry, entry.target, "the file that it is a link to");
        const auto found = known_.find(place.target);
        if (found == known_.end())
            refuse(entry, "is a hard link to what is not in the archive before it");
        if (found->second != Known::file) refuse(entry, "is a hard link to what is no file");
        if (entry.size != 0) refuse(entry, "is a hard link with contents of its own");
    }
    const bool is_file = entry.kind == EntryKind::file || entry.kind == EntryKind::hard_link;
    add(entry, place.path,
        is_file                              ? Known::file
        : entry.kind == EntryKind::directory ? Known::directory
                                             : Known::link);
    if (entry.kind == EntryKind::file) {
        if (entry.size > limits_.unpacked_bytes - bytes_)
            refuse(entry, fmt::format("with it there are more than {} to unpack",
                                      size_to_text(limits_.unpacked_bytes)));
        bytes_ += entry.size;
    }
    return place;
}

void EntryPolicy::finish() const
{
    if (known_.empty()) throw Failed(Fault::release, "the archive is refused: it is empty");
}

void EntryPolicy::check_kind(const Entry& entry) const
{
    if (const auto why = refused_kind(entry.kind); !why.empty()) refuse(entry, why);
    if (entry.kind == EntryKind::file && (entry.mode & (S_ISUID | S_ISGID)) != 0)
        refuse(entry, "has its set-user-id or set-group-id bit set");
}

std::string EntryPolicy::place_of(const Entry& entry, std::string_view path,
                                  std::string_view role) const
{
    const auto is = [&](std::string_view what) { refuse(entry, fmt::format("{} {}", role, what)); };
    if (path.size() > limits_.path_bytes)
        is(fmt::format("has more than {} bytes", limits_.path_bytes));
    if (!is_plain(path)) is("holds control characters or is no UTF-8");
    if (path.starts_with('/')) is("is absolute");
    std::string place;
    const auto components = components_of(path);
    for (const std::string_view one : components) {
        if (one == "..") is("holds `..`");
        if (one.size() > limits_.name_bytes)
            is(fmt::format("has a component of more than {} bytes", limits_.name_bytes));
        if (!place.empty()) place += '/';
        place += one;
    }
    if (components.size() > limits_.path_depth)
        is(fmt::format("is more than {} deep", limits_.path_depth));
    return place;
}

void EntryPolicy::check_symbolic_link(const Entry& entry, const std::string& path) const
{
    const std::string_view target = entry.target;
    if (target.empty()) refuse(entry, "is a symbolic link to nothing");
    if (target.size() > limits_.target_bytes)
        refuse(entry, fmt::format("is a symbolic link to a name of more than {} bytes",
                                  limits_.target_bytes));
    if (!is_plain(target))
        refuse(entry, "is a symbolic link to a name with control characters or no UTF-8");
    if (target.starts_with('/')) refuse(entry, "is a symbolic link to an absolute name");
    const auto deep = std::count(path.begin(), path.end(), '/');
    std::ptrdiff_t up = 0;
    std::ptrdiff_t down = 0;
    for (const std::string_view one : components_of(target)) {
        if (one != "..") {
            ++down;
        } else if (down > 0) {
            // Through a link its way up begins elsewhere than it seems to.
            refuse(entry, "is a symbolic link with `..` after another name");
        } else if (++up > deep) {
            refuse(entry, "is a symbolic link that leads out of the release");
        }
    }
}

void EntryPolicy::add(const Entry& entry, const std::string& path, Known kind)
{
    const auto [found, is_new] = known_.try_emplace(path, kind);
    if (!is_new) {
        // A directory may come after what is in it.
        if (kind != Known::directory || found->second != Known::implied_directory)
            refuse(entry, "comes twice");
        found->second = kind;
        return;
    }
    names_bytes_ += path.size();
    if (known_.size() > limits_.entries)
        refuse(entry, fmt::format("with it there are more than {} entries", limits_.entries));
    if (names_bytes_ > limits_.names_bytes)
        refuse(entry, fmt::format("with it all names together have more than {}",
                                  size_to_text(limits_.names_bytes)));
}

void EntryPolicy::add_parents(const Entry& entry, Place& place)
{
    for (auto end = place.path.find('/'); end != std::string::npos;
         end = place.path.find('/', end + 1)) {
        const std::string parent = place.path.substr(0, end);
        const auto found = known_.find(parent);
        if (found == known_.end()) {
            add(entry, parent, Known::implied_directory);
            place.missing.push_back(parent);
        } else if (found->second == Known::link) {
            refuse(entry, "goes through a symbolic link of the archive");
        } else if (found->second == Known::file) {
            refuse(entry, "is below what is a file in the archive");
        }
    }
}

} // namespace keel::deploy
