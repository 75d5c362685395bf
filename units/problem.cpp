#include "units/problem.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace keel::units {

std::string to_text(const Problem& problem)
{
    std::string text = problem.file;
    if (problem.line != 0) text += fmt::format(":{}:{}", problem.line, problem.column);
    text += ": ";
    if (!problem.key.empty()) text += problem.key + ": ";
    text += problem.message;
    if (!problem.hint.empty()) text += " (" + problem.hint + ")";
    return text;
}

std::optional<std::string> did_you_mean(std::string_view word,
                                        const std::vector<std::string_view>& candidates)
{
    const auto near = nearest(word, candidates);
    if (!near) return std::nullopt;
    return fmt::format("did you mean `{}`?", *near);
}

void Report::add(Position at, std::string_view key, Mistake mistake)
{
    const std::string& file = files_.at(at.source);
    const auto is_the_same = [&](const Problem& problem) {
        return problem.line == at.line && problem.column == at.column && problem.file == file &&
               problem.message == mistake.message;
    };
    if (std::any_of(problems_.begin(), problems_.end(), is_the_same)) return;
    if (problems_.size() == limit) {
        ++dropped_;
        return;
    }
    problems_.push_back({file, at.line, at.column, printable(key, 128), std::move(mistake.message),
                         std::move(mistake.hint)});
}

bool Report::speaks_of(std::string_view key) const
{
    return std::any_of(problems_.begin(), problems_.end(),
                       [&](const Problem& problem) { return problem.key == key; });
}

std::vector<Problem> Report::take()
{
    sort_by_position(problems_);
    if (dropped_ > 0) {
        const Problem& last = problems_.back();
        problems_.push_back({last.file, last.line, last.column, "",
                             fmt::format("{} more problems are not shown", dropped_),
                             "mend the first ones and check again"});
    }
    dropped_ = 0;
    return std::move(problems_);
}

void sort_by_position(std::vector<Problem>& problems)
{
    std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
        return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
    });
}

} // namespace keel::units
