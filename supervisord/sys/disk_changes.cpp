#include "sys/disk_changes.hpp"

#include "sys/clock.hpp"
#include "sys/start_configuration.hpp"
#include "units/configuration.hpp"
#include "units/plan.hpp"

#include <algorithm>
#include <sys/stat.h>

namespace keel::sys {
namespace fs = std::filesystem;
namespace {

/// A file that was written to so lately may be written to again without a change of its time.
constexpr Duration settled_after = std::chrono::seconds(1);

class Fingerprint {
public:
    void add_file(const fs::path& path)
    {
        struct stat seen {};
        add(path.native());
        if (::stat(path.c_str(), &seen) != 0) return add(std::string_view("-"));
        for (const auto number :
             {static_cast<std::uint64_t>(seen.st_ino), static_cast<std::uint64_t>(seen.st_size),
              static_cast<std::uint64_t>(seen.st_ctim.tv_sec),
              static_cast<std::uint64_t>(seen.st_ctim.tv_nsec)})
            add({reinterpret_cast<const char*>(&number), sizeof number});
        const WallTime changed(std::chrono::seconds(seen.st_ctim.tv_sec) +
                               std::chrono::nanoseconds(seen.st_ctim.tv_nsec));
        is_settled_ = is_settled_ && changed + settled_after < now_;
    }

    /// The folder and all that configurations consist of in it.
    void add_folder(const fs::path& folder, std::string_view drop_ins = {})
    {
        if (folder.empty()) return;
        add_file(folder);
        std::error_code failed;
        std::vector<std::string> names;
        for (fs::directory_iterator entry(folder, failed);
             !failed && entry != fs::directory_iterator() && names.size() < 2 * units::units_max;
             entry.increment(failed))
            names.push_back(entry->path().filename());
        std::sort(names.begin(), names.end());
        for (const std::string& name : names) {
            if (name.ends_with(units::unit_file_extension))
                add_file(folder / name);
            else if (!drop_ins.empty() && name.ends_with(drop_ins))
                add_folder(folder / name);
        }
    }

    /// 0: it says nothing about the time to come.
    [[nodiscard]] std::uint64_t value() const { return is_settled_ ? digest_ : 0; }

private:
    void add(std::string_view bytes)
    {
        for (const char byte : bytes)
            digest_ = (digest_ ^ static_cast<unsigned char>(byte)) * 1099511628211ULL; // FNV-1a
    }

    const WallTime now_ = read_clocks().wall;
    std::uint64_t digest_ = 14695981039346656037ULL;
    bool is_settled_ = true;
};

} // namespace

DiskChanges::DiskChanges(Paths paths)
    : paths_(std::move(paths)), generations_(paths_.lib / "generations")
{}

const std::set<std::string>& DiskChanges::look()
{
    const std::uint64_t now = fingerprint();
    if (now == 0 || now != compared_at_) compare();
    compared_at_ = now;
    return changed_;
}

std::uint64_t DiskChanges::fingerprint() const
{
    const units::Places places = places_of(paths_);
    Fingerprint print;
    for (const std::string& folder : {places.units, places.vendor_units})
        print.add_folder(folder, units::drop_in_folder_extension);
    print.add_file(places.daemon);
    for (const std::string& file : environment_files_)
        print.add_file(file);
    print.add_file(generations_.current().value_or(fs::path()));
    print.add_file(paths_.lib / "generations" / units::environment_digests_name);
    return print.value();
}

void DiskChanges::compare()
{
    changed_.clear();
    const auto folder = generations_.current();
    if (!folder) return;
    const auto in_force = units::load_configuration(units::collect(units::places_in(*folder)));
    const auto on_disk = units::load_configuration(units::collect(places_of(paths_)));
    units::Plan plan = units::plan_of(in_force, on_disk);
    compare_environments(plan, on_disk, generations_.environments(),
                         units::read_environments(on_disk));
    for (const units::UnitChange& change : plan.units)
        changed_.insert(change.unit);
    environment_files_.clear();
    for (const units::LoadedUnit& unit : on_disk.units.units)
        if (unit.spec)
            environment_files_.insert(environment_files_.end(),
                                      unit.spec->environment_files.begin(),
                                      unit.spec->environment_files.end());
}

} // namespace keel::sys
