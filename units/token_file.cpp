#include "units/token_file.hpp"

#include "units/small_file.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sys/stat.h>

namespace keel::units {

std::optional<Mistake> check_is_private(const std::string& path)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || (status.st_mode & 07U) == 0) return std::nullopt;
    return Mistake{"everybody on this host may read it", fmt::format("chmod o= {}", path)};
}

std::variant<std::string, Mistake> read_secret(const std::string& path)
{
    constexpr std::size_t length_max = 4096;
    auto read = read_small_file(path, length_max);
    if (std::holds_alternative<Mistake>(read)) return read;

    constexpr const char* blanks = " \t\r\n";
    const std::string& text = std::get<std::string>(read);
    const auto from = text.find_first_not_of(blanks);
    const auto to = text.find_last_not_of(blanks);
    std::string secret = from == std::string::npos ? "" : text.substr(from, to - from + 1);
    const bool is_plain = std::ranges::all_of(secret, [](char c) { return c > ' ' && c < 127; });
    if (secret.empty() || !is_plain || secret.size() > length_max)
        return Mistake{"does not hold one word of plain characters",
                       "nothing else may stand in it"};
    return secret;
}

std::variant<std::string, Mistake> read_token(const std::string& path)
{
    if (auto mistake = check_is_private(path)) return *mistake;
    auto token = read_secret(path);
    const auto* text = std::get_if<std::string>(&token);
    if (text != nullptr && text->size() < token_length_min)
        return Mistake{
            fmt::format("holds a token of {} characters, which could be guessed", text->size()),
            fmt::format("openssl rand -hex 32 > {}", path)};
    return token;
}

} // namespace keel::units
