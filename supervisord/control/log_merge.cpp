#include "control/log_merge.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace keel::control {
namespace {

constexpr std::string_view shape = "0000-00-00T00:00:00.000Z ";
/// After so many bytes of lines that are too old, the thread is left to others for a moment.
constexpr std::size_t read_max = std::size_t{4} << 20;

} // namespace

std::optional<std::string_view> time_of_line(std::string_view line)
{
    if (line.size() < shape.size()) return std::nullopt;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const bool is_digit = line[i] >= '0' && line[i] <= '9';
        if (shape[i] == '0' ? !is_digit : line[i] != shape[i]) return std::nullopt;
    }
    return line.substr(0, shape.size() - 1);
}

ports::LogWalk::Piece TailWalk::next()
{
    if (std::exchange(given_, true)) return {};
    return {tail_.text, tail_.begun};
}

LogMerge::LogMerge(std::vector<Input> inputs, std::optional<WallTime> since, Unfinished unfinished)
    : since_(since ? to_rfc3339(*since) : ""), unfinished_(unfinished)
{
    parts_.reserve(inputs.size());
    for (Input& input : inputs)
        parts_.push_back({std::move(input)});
}

std::optional<LogMerge::Untimed> LogMerge::untimed()
{
    std::optional<Untimed> found;
    for (Part& part : std::span(parts_).first(std::min(width, parts_.size()))) {
        look(part);
        if (part.length == 0 || time_of_line(part.ahead())) continue;
        if (!found)
            found = Untimed{part.begun};
        else if (found->since)
            found->since = part.begun ? std::min(*found->since, *part.begun) : part.begun;
    }
    return found;
}

LogMerge::Text LogMerge::next()
{
    read_ = 0;
    Text next;
    while (!is_enough(next.text)) {
        if (run(next.text)) continue;
        group_ += width;
        if (group_ < parts_.size()) continue;
        next.is_last = true;
        break;
    }
    return next;
}

bool LogMerge::is_enough(const std::string& out) const
{
    return out.size() >= line_piece || read_ >= read_max;
}

/// Passes lines of one instance on until those of another are older. False: there are no more.
bool LogMerge::run(std::string& out)
{
    Part* first = nullptr;
    Part* second = nullptr;
    const auto older = [](const Part& a, const Part& b) { return a.time < b.time; };
    for (Part& part :
         std::span(parts_).subspan(group_).first(std::min(width, parts_.size() - group_))) {
        look(part);
        if (part.length == 0) {
            // A torn line, or one that goes on later: the others begin theirs anew.
            if (std::exchange(part.in_line, false) && !part.input.prefix.empty() && !part.left_out)
                out += '\n';
            continue;
        }
        if (part.in_line) { // to its end, whatever the others have
            pass_on(part, out);
            return true;
        }
        if (first == nullptr || older(part, *first))
            second = std::exchange(first, &part);
        else if (second == nullptr || older(part, *second))
            second = &part;
    }
    if (first == nullptr) return false;
    do {
        pass_on(*first, out);
        look(*first);
    } while (first->length > 0 && !is_enough(out) &&
             (first->in_line || second == nullptr || older(*first, *second) ||
              (first < second && first->time == second->time)));
    return true;
}

/// Finds the line in front, reading as far as that needs.
void LogMerge::look(Part& part)
{
    while (part.length == 0) {
        const std::string_view ahead = part.ahead();
        const std::size_t end = ahead.find('\n');
        if (end != std::string_view::npos) {
            part.length = end + 1;
        } else if (ahead.size() >= line_piece ||
                   (part.has_ended && unfinished_ == Unfinished::ended)) {
            part.length = ahead.size();
            if (ahead.empty()) return;
        } else if (part.has_ended) {
            return;
        } else {
            read_more(part);
            continue;
        }
        judge(part);
    }
}

void LogMerge::read_more(Part& part)
{
    const auto piece = part.input.walk->next();
    if (!std::exchange(part.has_begun, true)) part.begun = piece.begun;
    if (piece.begun) part.time = std::max(part.time, to_rfc3339(*piece.begun));
    part.has_ended = piece.bytes.empty();
    part.bytes.erase(0, std::exchange(part.at, 0));
    part.bytes += piece.bytes;
    read_ += piece.bytes.size();
}

void LogMerge::judge(Part& part) const
{
    if (part.in_line) return;
    const auto time = time_of_line(part.ahead().substr(0, part.length));
    if (time) part.time = *time;
    part.left_out = time && *time < since_;
}

void LogMerge::pass_on(Part& part, std::string& out)
{
    const std::string_view text = part.ahead().substr(0, part.length);
    const bool ends = text.back() == '\n';
    if (!part.left_out) {
        if (!part.in_line) out += part.input.prefix;
        out += text;
    }
    part.in_line = !ends;
    part.at += std::exchange(part.length, 0);
}

std::string LogMerge::rest(std::size_t input) const { return std::string(parts_[input].ahead()); }

ports::LogPosition LogMerge::position(std::size_t input) const
{
    return parts_[input].input.walk->position();
}

} // namespace keel::control
