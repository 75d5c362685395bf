#include "units/credentials.hpp"

#include <algorithm>
#include <charconv>
#include <grp.h>
#include <optional>
#include <pwd.h>
#include <unistd.h>

namespace keel::units {
namespace {

std::optional<unsigned> as_number(const std::string& text)
{
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    // The highest number means "no change" to the kernel.
    if (error != std::errc{} || end != text.data() + text.size() || number == ~0U)
        return std::nullopt;
    return number;
}

constexpr std::size_t entry_size_max = 1U << 20;

/// Calls one of the get…_r functions with a buffer that grows until the entry fits. Value 0: found.
template <class Entry, class Ask> int ask_database(Entry& entry, std::vector<char>& buffer, Ask ask)
{
    for (buffer.resize(4096); buffer.size() <= entry_size_max; buffer.resize(buffer.size() * 4)) {
        Entry* found = nullptr;
        const int error = ask(&entry, buffer.data(), buffer.size(), &found);
        if (error == ERANGE) continue;
        if (found != nullptr) return 0;
        // "Not found" comes as 0 or as one of several errors, by implementation.
        const bool unknown = error == 0 || error == ENOENT || error == ESRCH;
        return unknown ? ENOENT : error;
    }
    return ERANGE;
}

struct User {
    uid_t uid = 0;
    std::optional<gid_t> gid; ///< none: a number that the database does not know
    std::string name;
    std::string home = "/";
};

Result<User> find_user(const std::string& user)
{
    const auto number = user.empty() ? std::optional<unsigned>(::geteuid()) : as_number(user);
    passwd entry{};
    std::vector<char> buffer;
    const int error = ask_database(
        entry, buffer, [&](passwd* into, char* data, std::size_t size, passwd** found) {
            return number ? ::getpwuid_r(*number, into, data, size, found)
                          : ::getpwnam_r(user.c_str(), into, data, size, found);
        });
    if (error == 0) return User{entry.pw_uid, entry.pw_gid, entry.pw_name, entry.pw_dir};
    if (number && error == ENOENT) return User{*number, std::nullopt, "", "/"};
    return Error{"find user", user, error == ENOENT ? 0 : error};
}

Result<gid_t> find_group(const std::string& name)
{
    if (const auto number = as_number(name)) return gid_t{*number};
    group entry{};
    std::vector<char> buffer;
    const int error =
        ask_database(entry, buffer, [&](group* into, char* data, std::size_t size, group** found) {
            return ::getgrnam_r(name.c_str(), into, data, size, found);
        });
    if (error == 0) return entry.gr_gid;
    return Error{"find group", name, error == ENOENT ? 0 : error};
}

std::vector<gid_t> groups_of(const std::string& name, gid_t primary)
{
    if (name.empty()) return {primary};
    std::vector<gid_t> groups(64);
    int count = static_cast<int>(groups.size());
    while (::getgrouplist(name.c_str(), primary, groups.data(), &count) < 0) {
        if (static_cast<std::size_t>(count) <= groups.size()) count = count * 2;
        if (count > 65'536) return {primary}; // NGROUPS_MAX
        groups.resize(static_cast<std::size_t>(count));
    }
    groups.resize(static_cast<std::size_t>(count));
    return groups;
}

} // namespace

Result<Credentials> resolve_credentials(const AccountNames& names)
{
    const auto& [user, group, more] = names;
    const auto found = find_user(user);
    if (!found) return found.error();
    std::optional<gid_t> gid = found->gid;
    if (!group.empty()) {
        const auto named = find_group(group);
        if (!named) return named.error();
        gid = *named;
    } else if (user.empty()) {
        gid = ::getegid();
    }
    if (!gid) return Error{"find the primary group of user", user, 0};
    const std::string shown = found->name.empty() ? std::to_string(found->uid) : found->name;
    std::vector<gid_t> groups = groups_of(found->name, *gid);
    for (const std::string& name : more) {
        const auto named = find_group(name);
        if (!named) return named.error();
        if (std::find(groups.begin(), groups.end(), *named) == groups.end())
            groups.push_back(*named);
    }
    return Credentials{found->uid, *gid, std::move(groups), shown, found->home};
}

} // namespace keel::units
