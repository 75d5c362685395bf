#include "control/host_names.hpp"

#include "base/host_name.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <sstream>

namespace keel::control {
namespace {

constexpr std::size_t hosts_file_max = 1U << 20;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_same_name(std::string_view a, std::string_view b)
{
    return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

/// `own` may be `*.example.org`, as certificates have it, which stands for one label.
bool is_named(std::string_view host, std::string_view own)
{
    if (!own.starts_with("*.")) return is_same_name(host, own);
    const auto dot = host.find('.');
    return dot != std::string_view::npos && dot > 0 &&
           is_same_name(host.substr(dot), own.substr(1));
}

bool is_port(std::string_view text)
{
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return text.size() <= 5 && std::ranges::all_of(text, is_digit);
}

bool is_address(int family, std::string_view text)
{
    in6_addr parsed{};
    return ::inet_pton(family, std::string(text).c_str(), &parsed) == 1;
}

/// Takes the port off the end; false: what stands there is none.
bool take_port(std::string_view& host, std::size_t from)
{
    const auto colon = host.find(':', from);
    if (colon == std::string_view::npos) return true;
    if (!is_port(host.substr(colon + 1))) return false;
    host = host.substr(0, colon);
    return true;
}

} // namespace

std::vector<std::string> names_beside(const std::string& name, std::string_view hosts_file)
{
    std::vector<std::string> names{name};
    std::istringstream lines{std::string(hosts_file)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line.substr(0, line.find('#')));
        std::string address;
        words >> address;
        const std::vector<std::string> found{std::istream_iterator<std::string>(words), {}};
        const auto is_it = [&](const std::string& one) { return is_same_name(one, name); };
        if (std::ranges::any_of(found, is_it))
            std::ranges::copy_if(found, std::back_inserter(names), std::not_fn(is_it));
    }
    return names;
}

std::vector<std::string> own_names()
{
    const std::string name = host_name();
    std::string text(hosts_file_max, '\0');
    std::ifstream file("/etc/hosts");
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    return names_beside(name, text);
}

bool names_this_host(std::string_view host, const std::vector<std::string>& names)
{
    if (host.starts_with('[')) {
        const auto end = host.find(']');
        if (end == std::string_view::npos || !take_port(host, end)) return false;
        return host.size() == end + 1 && is_address(AF_INET6, host.substr(1, end - 1));
    }
    if (!take_port(host, 0)) return false;
    if (is_address(AF_INET, host)) return true;
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.empty()) return false;
    return is_same_name(host, "localhost") ||
           std::ranges::any_of(names, [&](const auto& own) { return is_named(host, own); });
}

} // namespace keel::control
