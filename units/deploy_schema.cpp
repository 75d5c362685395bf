#include "units/schema_parts.hpp"

#include "units/releases.hpp"
#include "units/slot_path.hpp"

#include <algorithm>
#include <array>

namespace keel::units {
namespace {

template <auto... members> constexpr PathTo<&Draft::unit, &UnitSpec::deploy, members...> deploy{};
template <auto... members> constexpr PathTo<&Draft::step, members...> step{};

using D = DeploySpec;
using Step = DeployStepSpec;

/// One way of writing a folder, so that whoever compares two need not know of others.
constexpr Slot<std::string> root{[](const Draft& draft) { return draft.unit.deploy.root; },
                                 [](Draft& draft, std::string path) {
                                     path = tidy_path(path);
                                     draft.unit.deploy.root = std::move(path);
                                 }};

/// One way of writing a digest.
constexpr Slot<std::string> sha256{[](const Draft& draft) { return draft.unit.deploy.sha256; },
                                   [](Draft& draft, std::string digits) {
                                       for (char& c : digits)
                                           if (c >= 'A' && c <= 'F')
                                               c = static_cast<char>(c - 'A' + 'a');
                                       draft.unit.deploy.sha256 = std::move(digits);
                                   }};

void begin_step(Draft& draft) { draft.step = {}; }

void end_step(Draft& draft, const Place&, const Notes&, Report&)
{
    draft.unit.deploy.steps.push_back(draft.step);
}

constexpr std::array<std::string_view, 1> later_strategies = {"overlap"};

using enum TakesEffect;
constexpr auto required = Presence::required;
constexpr auto of_release = Braces::release_id;
constexpr Duration day = 24h;
constexpr std::size_t root_max = 1024; // what is in a release has longer paths, up to PATH_MAX
constexpr std::size_t url_max = 4096;

constexpr Key table[] = {
    {"deploy", Section{}, live,
     "Releases that the unit runs from: `keel deploy` fetches one, verifies and unpacks it to "
     "`root`/releases/ID, takes the steps, restarts the instances on it one by one, and undoes all "
     "of that if anything fails. `{release}` is the directory of the release that an instance runs "
     "from"},
    {"deploy.root", Text{root, &release_root, root_max}, restart,
     "directory of the unit's releases, and of no other unit's; its parent must be there. "
     "`current` "
     "in it is a link for people",
     "required", "", required},
    {"deploy.source", Text{deploy<&D::source>, &release_source, url_max, of_release}, live,
     "where releases come from: a directory, an archive (.tar, .tar.gz, .tar.zst), or the URL of "
     "one, which needs `sha256` or `checksums`; in it, `{release}` is the release's ID, `{unit}` "
     "the unit",
     "none"},
    {"deploy.sha256", Text{sha256, &sha256_digits, 64}, live,
     "SHA-256 digest that the archive must have", "none"},
    {"deploy.checksums", Text{deploy<&D::checksums>, &checksums_source, url_max, of_release}, live,
     "in place of `sha256`: file or https URL with digests as sha256sum(1) lists them, by the "
     "names "
     "of archives; `{release}` and `{unit}` in it as in `source`",
     "none"},
    {"deploy.keep", Integer{deploy<&D::keep>, 1, 100}, live,
     "releases that stay on the disk, besides those in use and the last good one"},
    {"deploy.strategy", Choice{deploy<&D::strategy>, names_of<DeployStrategy>, later_strategies},
     live, "`restart`: an instance is stopped before the one of the new release starts"},
    {"deploy.verify_for", Span{deploy<&D::verify_for>, 0s, 1h}, live,
     "the first instance of a release is ready so long without a break before the others follow "
     "one by one, and then all of them are together; less than `timeout`"},
    {"deploy.timeout", Span{deploy<&D::timeout>, 1s, day}, live,
     "so long without one more instance that is ready on the release, or without the proof that "
     "`verify_for` asks for, and the deployment has failed"},
    {"deploy.good_after", Span{deploy<&D::good_after>, 0s, 30 * day}, live,
     "after so much ready time a release is good: one that `rollback` may go back to"},

    {"deploy.steps", Sections{16, begin_step, end_step}, live,
     "Commands between unpacking a release and running it, such as a migration, in this order; "
     "those "
     "of a drop-in take the place of all. They run as the unit's hooks do, and one that keeld's "
     "death leaves without a known end runs again. A rollback once the release is in force, and a "
     "redeploy, run none"},
    {"deploy.steps[].name", Text{step<&Step::name>, &probe_name, 64}, live,
     "unique within the unit", "`step`, then `step-2` and so on"},
    {"deploy.steps[].do", Command{step<&Step::run>, 4096}, live,
     "command; unless it exits 0 the deployment has failed, and is undone", "required", "",
     required},
    {"deploy.steps[].undo", Command{step<&Step::undo>, 4096}, live,
     "command that takes back what `do` has done, or has begun; once the release is in force it is "
     "not run any more",
     "none"},
    {"deploy.steps[].timeout", Span{step<&Step::timeout>, 1s, day}, live,
     "one of the two that takes longer has failed, and is killed with all that it started"},
};

} // namespace

std::span<const Key> deploy_keys() { return table; }

} // namespace keel::units
