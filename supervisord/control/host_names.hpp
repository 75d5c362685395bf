// By which names this host is asked for: what the Host header of a request may say.
//
// A web page elsewhere can have a name of its own point here (DNS rebinding), but not an address,
// and not a name that this host goes by. So names are compared whole, never by how they begin. No
// name service is asked, as that could hang and could be told anything.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace keel::control {

/// Of the lines of a hosts file that have `name`, all names: `web1.example.org web1`. `name` itself
/// is always one of them.
std::vector<std::string> names_beside(const std::string& name, std::string_view hosts_file);

/// The same from /etc/hosts, for this host's own name, so that scraping it by name works.
std::vector<std::string> own_names();

/// Whether a Host header names this host: an address, `localhost`, or one of `names`; with or
/// without a port, in capitals or not, and with or without the dot of the root. Of names that begin
/// with `*.`, as a certificate may have them, any label in its place.
bool names_this_host(std::string_view host, const std::vector<std::string>& names);

} // namespace keel::control
