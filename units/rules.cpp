#include "units/rules.hpp"

#include "base/text.hpp"
#include "units/expression.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace keel::units {
namespace {

using Checked = std::optional<Mistake>;

constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alphanumeric(char c) { return is_lower(c) || is_upper(c) || is_digit(c); }
constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

template <class Predicate> bool all(std::string_view text, Predicate belongs)
{
    return std::all_of(text.begin(), text.end(), belongs);
}

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

// ---- plain texts -------------------------------------------------------------------------------

Checked check_one_line(std::string_view text)
{
    if (std::any_of(text.begin(), text.end(), is_control))
        return Mistake{"has a control character in it", "write it on one line, without escapes"};
    return std::nullopt;
}

Checked accept_anything(std::string_view) { return std::nullopt; }

/// The kernel's strings end at a NUL.
Checked check_no_nul(std::string_view text)
{
    if (text.find('\0') != std::string_view::npos)
        return Mistake{"has a NUL character in it", "no argument or variable can hold one"};
    if (text.size() > argument_length_max)
        return Mistake{"is longer than the kernel takes in one argument or variable",
                       "the limit is 128 KiB; put it into a file"};
    return std::nullopt;
}

Checked check_absolute_path(std::string_view text)
{
    if (!text.starts_with('/')) return Mistake{"must be an absolute path", "it begins with `/`"};
    return check_one_line(text);
}

Checked check_account_name(std::string_view text)
{
    const auto belongs = [](char c) { return is_alphanumeric(c) || is_one_of(c, "_.-@\\$+"); };
    if (text.empty() || text.front() == '-' || !all(text, belongs))
        return Mistake{fmt::format("`{}` cannot be a user or group", printable(text, 64)),
                       "a name such as \"redis\", or a number in quotes"};
    return std::nullopt;
}

Checked check_name_of(std::string_view what, std::string_view text)
{
    if (is_name(text)) return std::nullopt;
    return Mistake{fmt::format("`{}` cannot be the name of {}", printable(text, 80), what),
                   std::string(name_rule)};
}

Checked check_unit_name(std::string_view text) { return check_name_of("a unit", text); }
Checked check_channel_name(std::string_view text) { return check_name_of("a channel", text); }

Checked check_probe_name(std::string_view text)
{
    if (is_name(text)) return std::nullopt;
    return Mistake{fmt::format("`{}` cannot be a name", printable(text, 64)),
                   std::string(name_rule)};
}

Checked check_http_method(std::string_view text)
{
    if (text.empty() || text.size() > 16 || !all(text, is_upper))
        return Mistake{fmt::format("`{}` is no HTTP method", printable(text, 32)),
                       "for example \"GET\" or \"HEAD\", in capitals"};
    return std::nullopt;
}

Checked check_expression(std::string_view text)
{
    const Expression compiled(text);
    if (compiled.problem().empty()) return std::nullopt;
    return Mistake{fmt::format("is no regular expression: {}", compiled.problem()),
                   "RE2's syntax; in TOML, 'single quotes' keep backslashes as they are"};
}

// ---- addresses ---------------------------------------------------------------------------------

bool is_port(std::string_view text)
{
    int port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return !text.empty() && error == std::errc{} && end == text.data() + text.size() && port >= 1 &&
           port <= 65535;
}

bool is_ip(int family, std::string_view text)
{
    std::array<unsigned char, sizeof(in6_addr)> address{};
    return inet_pton(family, std::string(text).c_str(), address.data()) == 1;
}

/// A host name or an IPv4 address; what looks like the latter must be one.
bool is_host(std::string_view text)
{
    const auto belongs = [](char c) { return is_alphanumeric(c) || is_one_of(c, "._-"); };
    if (text.empty() || text.size() > 253 || !all(text, belongs)) return false;
    const bool numeric = all(text, [](char c) { return is_digit(c) || c == '.'; });
    return !numeric || is_ip(AF_INET, text);
}

struct HostPort {
    std::string_view host; ///< without the brackets of an IPv6 address
    std::optional<std::string_view> port;
    bool in_brackets = false;
};

/// Splits `host`, `host:port`, `[v6]`, `[v6]:port`; nullopt if brackets do not match.
std::optional<HostPort> split_host_port(std::string_view text)
{
    HostPort parts;
    parts.in_brackets = text.starts_with('[');
    std::size_t end = text.rfind(':');
    if (parts.in_brackets) {
        const std::size_t bracket = text.find(']');
        if (bracket == std::string_view::npos) return std::nullopt;
        parts.host = text.substr(1, bracket - 1);
        end = bracket + 1;
        if (end < text.size() && text[end] != ':') return std::nullopt;
    } else {
        parts.host = text.substr(0, std::min(end, text.size()));
    }
    if (end < text.size()) parts.port = text.substr(end + 1);
    return parts;
}

/// The mistake in a host with an optional port.
Checked check_host_port(const HostPort& parts, std::string_view example)
{
    const std::string hint = fmt::format("for example {}", example);
    if (parts.host.empty()) return Mistake{"names no host", hint};
    if (parts.in_brackets ? !is_ip(AF_INET6, parts.host) : !is_host(parts.host))
        return Mistake{fmt::format("`{}` is no host name or address", printable(parts.host, 80)),
                       hint + "; an IPv6 address stands in [brackets]"};
    if (parts.port && !is_port(*parts.port))
        return Mistake{fmt::format("`{}` is no port", printable(*parts.port, 32)),
                       "a number from 1 to 65535"};
    return std::nullopt;
}

Checked check_host_and_port(std::string_view text)
{
    constexpr std::string_view example = "\"127.0.0.1:6379\" or \"[::1]:6379\"";
    const auto parts = split_host_port(text);
    if (!parts) return Mistake{"the brackets do not match", fmt::format("for example {}", example)};
    if (is_port(text)) return Mistake{"names no host", fmt::format("for example {}", example)};
    if (auto mistake = check_host_port(*parts, example)) return mistake;
    if (!parts->port) return Mistake{"names no port", fmt::format("for example {}", example)};
    return std::nullopt;
}

Checked check_listen_address(std::string_view text)
{
    if (text == "off") return std::nullopt;
    const std::string hint = "for example \"127.0.0.1:9632\", \"[::]:9632\" or \"off\"";
    if (auto mistake = check_host_and_port(text)) return Mistake{mistake->message, hint};
    const auto parts = split_host_port(text);
    if (parts->in_brackets || parts->host == "localhost" || is_ip(AF_INET, parts->host))
        return std::nullopt;
    return Mistake{fmt::format("`{}` is a name, not an address", printable(parts->host, 80)), hint};
}

// ---- URLs --------------------------------------------------------------------------------------

Checked check_unix_url(std::string_view rest)
{
    constexpr std::size_t socket_path_max = 107; // sun_path of <sys/un.h>, with its NUL
    const std::string hint = "unix:/path/of.sock:/request/path";
    const std::size_t colon = rest.find(":/");
    if (!rest.starts_with('/') || colon == std::string_view::npos)
        return Mistake{"needs the path of a socket and the path of a request", hint};
    if (colon > socket_path_max)
        return Mistake{
            fmt::format("the path of the socket is longer than {} characters", socket_path_max),
            "the kernel takes no longer ones"};
    return std::nullopt;
}

Checked check_http_url(std::string_view text, std::string_view example,
                       std::string_view instead_of_password)
{
    const bool is_http = text.starts_with("http://");
    const std::string_view rest = text.substr(is_http ? 7 : 8);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    if (authority.find('@') != std::string_view::npos)
        return Mistake{"has a user name or password in it", std::string(instead_of_password)};
    const auto parts = split_host_port(authority);
    if (!parts) return Mistake{"the brackets do not match", fmt::format("for example {}", example)};
    return check_host_port(*parts, example);
}

Checked check_is_one_word(std::string_view text)
{
    if (all(text, [](char c) { return !is_control(c) && c != ' '; })) return std::nullopt;
    return Mistake{"has a blank or control character in it", "write it as %20"};
}

bool is_web(std::string_view text)
{
    return text.starts_with("http://") || text.starts_with("https://");
}

Checked check_probe_url(std::string_view text)
{
    constexpr std::string_view example = "\"http://127.0.0.1:8080/healthz\"";
    if (auto mistake = check_is_one_word(text)) return mistake;
    if (text.starts_with("unix:")) return check_unix_url(text.substr(5));
    if (!is_web(text))
        return Mistake{"must begin with http://, https:// or unix:/",
                       fmt::format("for example {}", example)};
    return check_http_url(text, example, "send it by `headers`");
}

Checked check_web_url(std::string_view text)
{
    constexpr std::string_view example = "\"https://hooks.example.com/keel\"";
    if (auto mistake = check_is_one_word(text)) return mistake;
    if (!is_web(text))
        return Mistake{"must begin with http:// or https://",
                       fmt::format("for example {}", example)};
    return check_http_url(text, example, "`token_file` names a file with a token");
}

// ---- entries of tables -------------------------------------------------------------------------

Checked check_variable_name(std::string_view text)
{
    const auto belongs = [](char c) { return !is_control(c) && c != '=' && c != ' '; };
    if (text.empty() || text.size() > 256 || !all(text, belongs))
        return Mistake{"cannot be the name of a variable", "for example LOG_LEVEL"};
    return std::nullopt;
}

/// A token of RFC 9110.
Checked check_header_name(std::string_view text)
{
    const auto belongs = [](char c) {
        return is_alphanumeric(c) || is_one_of(c, "!#$%&'*+-.^_`|~");
    };
    if (text.empty() || text.size() > 256 || !all(text, belongs))
        return Mistake{"cannot be the name of a header", "for example X-Forwarded-Proto"};
    return std::nullopt;
}

/// As Prometheus has it. What begins with two underscores is its own.
Checked check_label_name(std::string_view text)
{
    const auto belongs = [](char c) { return is_alphanumeric(c) || c == '_'; };
    const bool fits = !text.empty() && text.size() <= 128 && all(text, belongs) &&
                      !is_digit(text.front()) && !text.starts_with("__");
    if (!fits)
        return Mistake{"cannot be the name of a label",
                       "letters, digits and `_`, the first no digit, for example team"};
    if (text == "unit" || text == "description")
        return Mistake{"is a label that Keel sets itself", "choose another name"};
    return std::nullopt;
}

Checked check_label_value(std::string_view text)
{
    if (text.size() > 256)
        return Mistake{"is longer than 256 bytes", "a label is for grouping, not for prose"};
    return check_one_line(text);
}

} // namespace

constexpr TextRule one_line{"text", "\"Message backbone\"", check_one_line};
constexpr TextRule any_bytes{"text", "\"PING\\r\\n\"", accept_anything};
constexpr TextRule absolute_path{"absolute path", "\"/srv/api\"", check_absolute_path};
constexpr TextRule account_name{"name or number", "\"redis\"", check_account_name};
constexpr TextRule unit_name{"name of a unit", "\"network-backbone\"", check_unit_name};
constexpr TextRule probe_name{"name", "\"healthz\"", check_probe_name};
constexpr TextRule channel_name{"name of a channel", "\"ops\"", check_channel_name};
constexpr TextRule web_url{"URL", "\"https://hooks.example.com/keel\"", check_web_url};
constexpr TextRule probe_url{"URL", "\"http://127.0.0.1:8080/healthz\"", check_probe_url};
constexpr TextRule host_and_port{"host:port", "\"127.0.0.1:6379\"", check_host_and_port};
constexpr TextRule listen_address{"address:port or off", "\"127.0.0.1:9632\"",
                                  check_listen_address};
constexpr TextRule http_method{"HTTP method", "\"GET\"", check_http_method};
constexpr TextRule expression{"regular expression", "'\"status\":\\s*\"ok\"'", check_expression};

constexpr MapRule environment_entries{"table of texts", "{ LOG_LEVEL = \"info\" }",
                                      check_variable_name, check_no_nul};
constexpr MapRule header_entries{"table of texts", "{ Host = \"panel.internal\" }",
                                 check_header_name, check_one_line};

constexpr MapRule label_entries{"table of texts", "{ team = \"panel\" }", check_label_name,
                                check_label_value};

Checked check_command(const std::vector<std::string>& words)
{
    if (words.empty() || words.front().empty())
        return Mistake{"names no program", "for example \"redis-server /etc/redis/backbone.conf\""};
    for (const std::string& word : words)
        if (auto mistake = check_no_nul(word)) return mistake;
    return std::nullopt;
}

Checked check_no_shell(const std::vector<std::string>& words)
{
    constexpr std::array<std::string_view, 11> operators = {"|",  "||", "&",  "&&",   ";",  ">",
                                                            ">>", "<",  "2>", "2>&1", ">&2"};
    for (const std::string& word : words)
        if (std::find(operators.begin(), operators.end(), word) != operators.end())
            return Mistake{fmt::format("`{}` means nothing here: there is no shell", word),
                           "run [\"sh\", \"-c\", \"…\"], or write a list if it is an argument"};
    return std::nullopt;
}

} // namespace keel::units
