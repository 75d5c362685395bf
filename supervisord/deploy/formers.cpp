#include "deploy/formers.hpp"

#include "deploy/failed.hpp"
#include "deploy/files.hpp"
#include "deploy/tree.hpp"

#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>

namespace keel::deploy {
namespace {

/// More of them at a time than any ladder makes; then something does not end.
constexpr unsigned formers_max = 100;

std::string former(const ReleaseRoot& root, unsigned number)
{
    return fmt::format("{}.former-{}", root.id(), number);
}

} // namespace

void set_aside(const ReleaseRoot& root)
{
    const auto partial = open_if_there(root.releases(), root.partial(), O_RDONLY | O_DIRECTORY);
    if (!partial || !is_there(partial->get(), "tree")) return;
    unsigned number = 1;
    while (is_there(root.releases(), former(root, number)))
        if (++number > formers_max)
            throw Failed(Fault::host, "too many trees that something still runs from");
    if (::renameat2(partial->get(), "tree", root.releases(), former(root, number).c_str(),
                    RENAME_NOREPLACE) != 0)
        fail_by_errno("keep", former(root, number));
}

void remove_formers(const ReleaseRoot& root)
{
    for (unsigned number = 1; number <= formers_max; ++number)
        if (is_there(root.releases(), former(root, number)))
            remove_tree(root.releases(), former(root, number));
}

} // namespace keel::deploy
