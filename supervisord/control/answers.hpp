// Ready-made answers: JSON, text, and problem documents for everything that can go wrong.
#pragma once
#include "control/http.hpp"
#include "control/json_codec.hpp"
#include "ports/supervisor.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keel::control {

HttpAnswer json_answer(std::string json, int status = 200);
HttpAnswer text_answer(std::string text, int status = 200);
HttpAnswer problem_answer(const Problem&);
void refuse(const std::shared_ptr<Exchange>& exchange, const Problem& problem);

/// 404 for a unit, with the nearest name as a hint.
Problem no_such_unit(std::string_view name, const ports::Supervisor&);
/// `missing`: why it may not have been found.
Problem no_such_outage(std::string_view id, std::string_view missing = {});
Problem bad_request(std::string detail, std::string hint = {});
Problem bad_number(std::string_view key, std::uint64_t limit);
Problem bad_since();
Problem from_refusal(const ports::Refusal&);

/// None if it is not one in range.
std::optional<std::uint64_t> whole_number(std::string_view text, std::uint64_t limit);
/// A whole number of the query; `otherwise` if it is not given, none if it is not one in range.
std::optional<std::uint64_t> number_argument(const HttpRequest&, std::string_view key,
                                             std::uint64_t otherwise, std::uint64_t limit);

} // namespace keel::control
