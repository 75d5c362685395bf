// The files of the web pages, as they stand in this folder, inside the program.
//
// Plain HTML, CSS and JavaScript, made of nothing else and asking no other host for anything. Each
// is sent as it is, but for the words in double braces of pass.html, which the server fills in.
#pragma once
#include <string_view>

namespace keel::web {

struct Asset {
    std::string_view name; ///< `dashboard.js`
    std::string_view text;
};

/// Null: there is no such file.
const Asset* find_asset(std::string_view name);

} // namespace keel::web
