// Elements of lists that are more than a word: exit codes and signals, ranges of status codes.
//
// Each is the value or what is wrong with it; where it stands is the reader's business.
#pragma once
#include "units/document.hpp"
#include "units/spec.hpp"

#include <variant>

namespace keel::units {

/// 0 to 255, or the name of a signal.
std::variant<ExitMatch, Mistake> exit_match(const Value& element);

/// 204, "204" or "200-399".
std::variant<StatusRange, Mistake> status_range(const Value& element);

} // namespace keel::units
