// Answers that are web pages and their files, with the headers that keep a page to itself.
#pragma once
#include "control/http.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace keel::control {

/// HTML that may load files from here and nothing from elsewhere, runs no script that does not
/// stand in one of these files, and is shown in nobody's frame.
HttpAnswer html_answer(std::shared_ptr<const std::string> html, int status = 200);
HttpAnswer html_answer(std::string html, int status = 200);

/// A file of the pages (web/assets.hpp), or 404.
void answer_with_file(const std::shared_ptr<Exchange>& exchange, std::string_view name);

} // namespace keel::control
