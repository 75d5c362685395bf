// Asking for a change, as often as it takes: under a key, by which an engine knows what it has been
// asked before; again after a pause while another operation is in the way; and again from the next
// engine if the one that was asked did not live to answer.
#pragma once
#include "cli/target.hpp"
#include "control/client.hpp"
#include "core/unit.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace keel::cli {

/// For so long a request whose connection broke is asked again: an engine that was replaced is back
/// long before.
inline constexpr Duration reconnect_patience = std::chrono::seconds(10);
inline constexpr int reconnect_pause = 50; ///< milliseconds, for poll()

/// Nobody else's, for ever.
std::string fresh_key();

enum class Answer : std::uint8_t {
    at_the_end, ///< with the outcome
    at_once     ///< that it is accepted
};
control::Call::Spec spec_of_change(const std::string& unit, core::Verb verb,
                                   const control::ChangeRequest& request, const std::string& key,
                                   Answer answer);

/// What is answered to that call.
control::Reply<control::OperationReport> outcome_of(control::Reply<control::Call>& call,
                                                    control::Deadline deadline);
/// Whether the engine did not live to answer.
bool broke_off(const control::Reply<control::OperationReport>& outcome);

/// The answer to a call of that spec that has begun, whatever it takes to get it.
control::Reply<control::OperationReport> ask(const std::string& socket_path,
                                             const control::Call::Spec& spec,
                                             control::Reply<control::Call> begun,
                                             control::Deadline deadline);

/// Whom the verb is about. None: it was said what is wrong with it.
std::optional<Target> target_for(std::string_view text, core::Verb verb);

} // namespace keel::cli
