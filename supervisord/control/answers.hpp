// Ready-made answers: JSON, text, and problem documents for everything that can go wrong.
#pragma once
#include "control/http.hpp"
#include "control/json_codec.hpp"
#include "ports/supervisor.hpp"

#include <string>
#include <string_view>

namespace keel::control {

HttpAnswer json_answer(std::string json, int status = 200);
HttpAnswer text_answer(std::string text, int status = 200);
HttpAnswer problem_answer(const Problem&);

/// 404 for a unit, with the nearest name as a hint.
Problem no_such_unit(std::string_view name, const ports::Supervisor&);
Problem bad_request(std::string detail, std::string hint = {});
Problem from_refusal(const ports::Refusal&);

} // namespace keel::control
