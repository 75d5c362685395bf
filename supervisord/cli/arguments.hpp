// What stood on the command line, once it is known which command it is: options by their names, as
// the table of commands has them, and words. It knows no parser.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keel::cli {

/// The command line makes no sense: thrown, and told with exit code 2.
struct Wrong {
    std::string text;
    std::string hint; ///< empty: none
};

class Arguments {
public:
    /// A switch that was given has an empty value.
    Arguments(std::map<std::string, std::string, std::less<>> options,
              std::vector<std::string> words)
        : options_(std::move(options)), words_(std::move(words))
    {}

    [[nodiscard]] bool has(std::string_view flag) const { return options_.contains(flag); }
    /// The option's value; empty: it was not given.
    [[nodiscard]] std::string text(std::string_view flag) const
    {
        const auto found = options_.find(flag);
        return found == options_.end() ? std::string() : found->second;
    }
    /// Those that are neither options nor their values.
    [[nodiscard]] const std::vector<std::string>& words() const { return words_; }
    /// The only one.
    [[nodiscard]] const std::string& word() const { return words_.front(); }

private:
    std::map<std::string, std::string, std::less<>> options_;
    std::vector<std::string> words_;
};

} // namespace keel::cli
