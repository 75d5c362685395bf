#include "cli/target.hpp"

#include <charconv>

namespace keel::cli {

std::optional<Target> parse_target(std::string_view text)
{
    const auto dot = text.find('.');
    Target target{std::string(text.substr(0, dot)), std::nullopt};
    if (target.unit.empty()) return std::nullopt;
    if (dot == std::string_view::npos) return target;
    const std::string_view digits = text.substr(dot + 1);
    Slot slot = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), slot);
    if (failed != std::errc{} || end != digits.data() + digits.size() || slot == 0)
        return std::nullopt;
    target.slot = slot;
    return target;
}

std::string to_text(const Target& target)
{
    return target.slot ? target.unit + "." + std::to_string(*target.slot) : target.unit;
}

} // namespace keel::cli
