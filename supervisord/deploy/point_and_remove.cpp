#include "deploy/failed.hpp"
#include "deploy/files.hpp"
#include "deploy/formers.hpp"
#include "deploy/release_root.hpp"
#include "deploy/tree.hpp"
#include "deploy/verbs.hpp"

#include <fcntl.h>
#include <fmt/format.h>

namespace keel::deploy {

void point(const std::string& root_path, const std::string& id, ReportFile& report)
{
    constexpr const char* fresh = ".current.partial";
    report.begin(Step::point);
    const ReleaseRoot root(root_path, id);
    if (!open_if_there(root.releases(), id, O_PATH | O_DIRECTORY))
        throw Failed(Fault::host, fmt::format("there is no release {}: unpack it first", id));
    remove_file(root.directory(), fresh);
    if (::symlinkat(("releases/" + id).c_str(), root.directory(), fresh) != 0)
        fail_by_errno("make symbolic link", fresh);
    rename_at(root.directory(), fresh, "current");
    synchronise(root.directory(), root_path);
    say(fmt::format("current is {}", id));
}

void remove_formers(const std::string& root_path, const std::string& id, ReportFile& report)
{
    report.begin(Step::remove);
    const ReleaseRoot root(root_path, id);
    remove_tree(root.releases(), root.partial());
    remove_formers(root);
    synchronise(root.releases(), "releases");
    say(fmt::format("removed what {} was before it was unpacked afresh", id));
}

void remove(const std::string& root_path, const std::string& id, ReportFile& report)
{
    report.begin(Step::remove);
    const ReleaseRoot root(root_path, id);
    // First: if the tree cannot be removed, no later fetch of this ID, perhaps of another source,
    // may take what is kept of this one for its own.
    root.remove_partial_archive();
    root.remove_archive();
    remove_tree(root.releases(), root.partial());
    // Half removed it must not look like a release any more, and after a power failure neither.
    if (is_there(root.releases(), id)) rename_at(root.releases(), id, root.partial());
    synchronise(root.releases(), "releases");
    remove_tree(root.releases(), root.partial());
    remove_formers(root);
    synchronise(root.releases(), "releases");
    say(fmt::format("removed {}", id));
}

} // namespace keel::deploy
