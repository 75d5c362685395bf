#include "cli/help.hpp"

#include "cli/layout.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::cli {
namespace {

/// A line for each option, its meaning beside it; what does not fit stands below its beginning.
std::string option_list(std::span<const Option> options, std::size_t columns)
{
    std::size_t width = 0;
    for (const Option& option : options)
        width = std::max(width, form_of(option).size());
    std::string list;
    for (const Option& option : options) {
        std::string before = form_of(option);
        std::string_view meaning = option.meaning;
        while (!meaning.empty()) {
            const auto end = std::min(meaning.find('\n'), meaning.size());
            list +=
                hanging(fmt::format("  {:<{}}  ", before, width), meaning.substr(0, end), columns);
            meaning.remove_prefix(std::min(end + 1, meaning.size()));
            before.clear();
        }
    }
    return list;
}

std::string below(const std::string& text) { return text.empty() ? text : "\n" + text; }

} // namespace

std::string help_page(const Command& command, std::size_t columns)
{
    const std::string name = fmt::format("keel {}", command.name);
    const std::string arguments = usage_of(command).substr(name.size());
    return hanging(arguments.empty() ? name : name + " ", arguments, columns) +
           below(filled(command.text, columns)) + below(option_list(command.options, columns)) +
           below(filled(command.after, columns));
}

std::string overview(std::size_t columns)
{
    std::string text = R"(keel shows and steers the units that keeld supervises.

  keel COMMAND [ARGUMENT…] [OPTION…]

)";
    std::size_t width = 0;
    for (const Command& command : commands())
        width = std::max(width, command.name.size());
    for (const Command& command : commands())
        text += hanging(fmt::format("  {:<{}}  ", command.name, width), command.summary, columns);
    return text + "\nOptions of every command:\n" + option_list(common_options(), columns);
}

std::string exit_page()
{
    std::string text;
    for (std::size_t code = 0; code < exit_meanings().size(); ++code)
        text += fmt::format("{}  {}\n", code, exit_meanings()[code]);
    return text;
}

} // namespace keel::cli
