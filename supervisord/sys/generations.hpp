// Applied configurations, stored whole: what is in force survives whatever happens to the
// directory that it was read from.
//
//   DIR/1/keel.toml                      if there was one
//   DIR/1/units/NAME.toml …              one folder per generation, named by a growing number
//   DIR/1/units/NAME.toml.d/10-x.toml …  drop-ins; vendor units stand among the others
//   DIR/current -> 12                    the one in force, switched by rename
//   DIR/former -> 11                     the one that was in force before it
//   DIR/staged/…                         whole as well, and on trial: it has no number yet
//   DIR/environment                      digests of what units' environment files said that are
//                                        in force; they are not stored themselves
//
// A generation gets its number once it is whole and on the disk. The newest ten are kept, and the
// two that are named. It stores and finds files and knows nothing of what they say.
#pragma once
#include "base/result.hpp"
#include "units/environment_file.hpp"
#include "units/sources.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace keel::sys {

class Generations {
public:
    explicit Generations(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// Whole texts by their path below the generation's folder.
    using Files = std::map<std::string, std::string>;

    /// Stores `files` as a new generation and puts it in force; does nothing if the present one
    /// says the same. Returns its number.
    Result<std::uint64_t> store(const Files& files);

    /// The same in two steps: written whole, in place of what was staged before; and put in force.
    Result<void> stage(const Files& files) const;
    Result<std::uint64_t> put_staged_in_force() const;

    /// Puts one that is there in force again.
    Result<std::uint64_t> put_in_force(std::uint64_t number) const;

    /// The folder of the generation in force; none if there is none.
    [[nodiscard]] std::optional<std::filesystem::path> current() const;
    /// The number of the one that was in force before it; none if there is none any more.
    [[nodiscard]] std::optional<std::uint64_t> former() const;
    [[nodiscard]] std::optional<std::filesystem::path> folder_of(std::uint64_t number) const;
    /// Numbers, ascending.
    [[nodiscard]] std::vector<std::uint64_t> numbers() const;

    /// Digests of the environment files that are in force; what is stored for the owner only.
    Result<void> note_environments(const units::EnvironmentDigests& digests) const;
    [[nodiscard]] units::EnvironmentDigests environments() const;

    static constexpr std::size_t kept_max = 10;

private:
    Result<void> point(const char* link, std::uint64_t number) const;
    [[nodiscard]] std::optional<std::uint64_t> number_of(const char* link) const;
    void prune() const;
    [[nodiscard]] std::map<std::uint64_t, std::filesystem::path> all() const;

    std::filesystem::path folder_;
};

/// What was collected, as a generation keeps it. A unit of which something could not be read is an
/// empty file there: it is known, and cannot be used.
Generations::Files files_of(const units::Collected& collected);

} // namespace keel::sys
