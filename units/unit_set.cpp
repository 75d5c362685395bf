#include "units/unit_set.hpp"

#include "units/dependencies.hpp"
#include "units/document.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <variant>

namespace keel::units {
namespace {

std::string because(int errno_value) { return ::strerrordesc_np(errno_value); }

/// Closes what it holds.
class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor()
    {
        if (fd_ >= 0) (void)::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

/// The file's text, one byte more than allowed at most, or why there is none. Opened without
/// blocking: a FIFO that lies in the directory must not hold everything up.
std::variant<std::string, Mistake> read_text(const std::string& path)
{
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.get() < 0) return Mistake{"cannot be opened: " + because(errno), ""};
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return Mistake{"cannot be read: " + because(errno), ""};
    if (!S_ISREG(status.st_mode)) return Mistake{"is not a regular file", "move it elsewhere"};

    std::string text;
    std::array<char, 16'384> buffer;
    while (text.size() <= document_size_max) {
        const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return Mistake{"cannot be read: " + because(errno), ""};
        if (count == 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
}

bool by_name(const LoadedUnit& a, const LoadedUnit& b) { return a.name < b.name; }

/// Keeps the first unit of each name; the others become problems of the set.
void drop_doubles(std::vector<LoadedUnit>& units, std::vector<Problem>& problems)
{
    std::stable_sort(units.begin(), units.end(), by_name);
    std::vector<LoadedUnit> kept;
    for (LoadedUnit& unit : units) {
        if (kept.empty() || kept.back().name != unit.name)
            kept.push_back(std::move(unit));
        else
            problems.push_back({unit.path, 0, 0, "",
                                fmt::format("the unit `{}` is defined already", unit.name),
                                "by " + kept.back().path});
    }
    units = std::move(kept);
}

} // namespace

const LoadedUnit* UnitSet::find(std::string_view name) const
{
    const auto found =
        std::lower_bound(units.begin(), units.end(), name,
                         [](const LoadedUnit& unit, std::string_view n) { return unit.name < n; });
    return found != units.end() && found->name == name ? &*found : nullptr;
}

std::vector<Problem> UnitSet::all_problems() const
{
    std::vector<Problem> all = problems;
    for (const LoadedUnit& unit : units)
        all.insert(all.end(), unit.problems.begin(), unit.problems.end());
    return all;
}

LoadedUnit load_file(const std::string& path)
{
    auto text = read_text(path);
    if (const auto* given = std::get_if<std::string>(&text)) return load_unit(*given, path);
    const auto& mistake = std::get<Mistake>(text);
    return {
        unit_name_of(path), path, {}, {}, {{path, 0, 0, "", mistake.message, mistake.hint}}, {}};
}

UnitSet link_units(std::vector<LoadedUnit> units)
{
    UnitSet set;
    drop_doubles(units, set.problems);
    check_dependencies(units);
    for (LoadedUnit& unit : units) {
        if (unit.problems.empty()) continue;
        if (unit.spec) unit.remains = std::move(unit.spec);
        unit.spec.reset();
        sort_by_position(unit.problems);
    }
    set.units = std::move(units);
    return set;
}

UnitSet load_directory(const std::string& path)
{
    namespace fs = std::filesystem;
    std::error_code error;
    std::vector<std::string> files;
    for (fs::directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename();
        if (name.ends_with(unit_file_extension) && !name.starts_with('.'))
            files.push_back(entry->path());
        if (files.size() > units_max) break;
    }
    UnitSet set;
    if (error)
        set.problems.push_back({path, 0, 0, "", "cannot be read: " + because(error.value()),
                                "unit files are looked for in this directory"});
    if (files.size() > units_max)
        set.problems.push_back({path, 0, 0, "",
                                fmt::format("has more than {} unit files", units_max),
                                "none of them is used"});
    if (!set.problems.empty()) return set;

    std::sort(files.begin(), files.end());
    std::vector<LoadedUnit> units;
    units.reserve(files.size());
    for (const std::string& file : files)
        units.push_back(load_file(file));
    return link_units(std::move(units));
}

} // namespace keel::units
