// Values that are more than a word: exit codes and signals, ranges of status codes and of
// processors, resource limits, rungs.
//
// Each is the value or what is wrong with it; where it stands is the reader's business.
#pragma once
#include "units/document.hpp"
#include "units/schema.hpp"
#include "units/spec.hpp"

#include <optional>
#include <span>
#include <variant>

namespace keel::units {

/// The word's place among the words of a closed set.
std::optional<std::uint8_t> place_among(std::span<const std::string_view> words,
                                        std::string_view word);

/// 0 to 255, or the name of a signal.
std::variant<ExitMatch, Mistake> exit_match(const Value& element);

/// 204, "204" or "200-399".
std::variant<StatusRange, Mistake> status_range(const Value& element);

/// 150 from "150%".
std::variant<std::uint32_t, Mistake> percentage(std::string_view text, std::uint32_t min,
                                                std::uint32_t max);

/// Octal digits: "0027".
std::variant<std::uint32_t, Mistake> file_mode(std::string_view text, std::uint32_t mode_max);

/// Adds processor 2, "2" or "0-3" to numbers in ascending order, once each.
std::optional<Mistake> add_processors(const Value& element, std::uint16_t number_max,
                                      std::vector<std::uint16_t>& numbers);

/// 1024, "64MiB", "unlimited", "1024:4096" (soft:hard): as the measure wants it.
std::variant<ResourceLimit, Mistake> resource_limit(const Value& value, Measure measure);
/// The same written in one way: "1024:4096", "8MiB", "unlimited".
std::string to_text(const ResourceLimit& limit, Measure measure);

/// `retry`, `run:page-me`.
std::variant<Rung, Mistake> ladder_rung(const std::string& text, const Rungs& kind);

/// `probe`, `log:listening on`, `fd:3`.
std::variant<ReadyWhen, Mistake> ready_when(const std::string& text, const Readiness& kind);

} // namespace keel::units
