// Applied configurations, stored whole: what is in force survives whatever happens to the
// directory that it was read from.
//
//   DIR/1/units/NAME.toml …    one folder per generation, named by a growing number
//   DIR/current -> 12          the one in force, switched by rename
//
// The newest ten are kept. It stores and finds files and knows nothing of what they say.
#pragma once
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace keel::sys {

class Generations {
public:
    explicit Generations(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// File names and their whole text.
    using Files = std::map<std::string, std::string>;

    /// Stores `files` as a new generation and puts it in force; does nothing if the present one
    /// says the same. Returns its number.
    Result<std::uint64_t> store(const Files& files);

    /// The folder of unit files of the generation in force; none if there is none.
    [[nodiscard]] std::optional<std::filesystem::path> current() const;

    static constexpr std::size_t kept_max = 10;

private:
    [[nodiscard]] std::map<std::uint64_t, std::filesystem::path> all() const;

    std::filesystem::path folder_;
};

/// Every `*.toml` of a folder, by name; files over 1 MiB are cut there, which no parser accepts.
Generations::Files read_unit_files(const std::filesystem::path& folder);

} // namespace keel::sys
