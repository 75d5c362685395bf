#include "control/log_answer.hpp"

#include "control/answers.hpp"

#include <deque>
#include <fmt/format.h>

namespace keel::control {
namespace {

using ports::LogReader;
using ports::LogTail;

/// Kept for a client that does not read.
constexpr std::size_t pending_max = 1U << 20;
/// A line without an end is passed on in pieces of this size.
constexpr std::size_t line_max = 64U << 10;

/// Puts a prefix before each line, and holds a line back until it is complete, so that lines of
/// several instances do not run into each other. Without a prefix bytes pass as they come.
class LinePrefixer {
public:
    explicit LinePrefixer(std::string prefix) : prefix_(std::move(prefix)) {}

    void pass(std::string_view bytes, std::string& out)
    {
        if (prefix_.empty()) {
            out += bytes;
            return;
        }
        while (!bytes.empty()) {
            const auto end = bytes.find('\n');
            const auto length = end == std::string_view::npos ? bytes.size() : end + 1;
            partial_ += bytes.substr(0, length);
            bytes.remove_prefix(length);
            if (partial_.back() == '\n' || partial_.size() >= line_max) flush(out);
        }
    }

    void flush(std::string& out)
    {
        if (partial_.empty()) return;
        out += prefix_;
        out += partial_;
        if (partial_.back() != '\n') out += '\n';
        partial_.clear();
    }

private:
    std::string prefix_;
    std::string partial_;
};

class LogStream final : public StreamSource {
public:
    LogStream(const std::shared_ptr<Exchange>& exchange, std::shared_ptr<LogReader> logs)
        : exchange_(exchange), logs_(std::move(logs))
    {}

    /// Begins with the tail and goes on where it ended.
    Result<void> add(const std::string& unit, const LogSelection::Part& part, const LogTail& tail)
    {
        LinePrefixer& prefixer = prefixers_.emplace_back(part.prefix);
        prefixer.pass(tail.text, pending_);
        auto following =
            logs_->follow(unit, part.slot, tail.end,
                          [this, &prefixer](std::string_view bytes) { append(prefixer, bytes); });
        if (!following) return following.error();
        followers_.push_back(std::move(*following));
        return {};
    }

    std::optional<std::string> take() override
    {
        std::string text = std::exchange(pending_, {});
        if (left_out_ > 0)
            text +=
                fmt::format("\n[keel: {} bytes left out, they came faster than they were read]\n",
                            std::exchange(left_out_, 0));
        return text;
    }

private:
    void append(LinePrefixer& prefixer, std::string_view bytes)
    {
        if (pending_.size() + bytes.size() > pending_max)
            left_out_ += bytes.size();
        else
            prefixer.pass(bytes, pending_);
        if (const auto exchange = exchange_.lock()) exchange->wake();
    }

    std::weak_ptr<Exchange> exchange_;
    std::shared_ptr<LogReader> logs_;
    std::deque<LinePrefixer> prefixers_; ///< a deque, as handlers hold references
    std::string pending_;
    std::size_t left_out_ = 0;
    std::vector<ports::Loop::Registration> followers_;
};

Problem log_problem(const Error& error)
{
    return {503, "urn:keel:problem:log", "The log cannot be read", error.text(), {}, {}};
}

void answer(const std::shared_ptr<Exchange>& exchange, std::shared_ptr<LogReader> logs,
            const LogSelection& selection, const std::vector<Result<LogTail>>& tails)
{
    for (const auto& tail : tails) {
        if (tail) continue;
        exchange->answer(problem_answer(log_problem(tail.error())));
        return;
    }
    if (selection.follow == LogSelection::Follow::no) {
        std::string text;
        for (std::size_t i = 0; i < tails.size(); ++i) {
            LinePrefixer prefixer(selection.parts[i].prefix);
            prefixer.pass(tails[i]->text, text);
            prefixer.flush(text);
        }
        exchange->answer(text_answer(std::move(text)));
        return;
    }
    auto stream = std::make_unique<LogStream>(exchange, std::move(logs));
    for (std::size_t i = 0; i < tails.size(); ++i) {
        const auto added = stream->add(selection.unit, selection.parts[i], *tails[i]);
        if (added) continue;
        exchange->answer(problem_answer(log_problem(added.error())));
        return;
    }
    exchange->stream(text_answer({}), std::move(stream));
}

} // namespace

void answer_with_log(ports::Loop& loop, const std::shared_ptr<LogReader>& logs,
                     const std::shared_ptr<Exchange>& exchange, LogSelection selection)
{
    struct Job {
        LogSelection selection;
        std::vector<Result<LogTail>> tails;
    };
    auto job = std::make_shared<Job>(Job{std::move(selection), {}});
    loop.offload(
        [job, logs] {
            for (const auto& part : job->selection.parts)
                job->tails.push_back(
                    logs->tail(job->selection.unit, part.slot, job->selection.lines));
        },
        [job, logs, exchange] {
            if (!exchange->is_gone()) answer(exchange, logs, job->selection, job->tails);
        });
}

} // namespace keel::control
