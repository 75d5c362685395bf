#include "control/log_answer.hpp"

#include "control/answers.hpp"
#include "control/log_merge.hpp"

#include <deque>
#include <fmt/format.h>

namespace keel::control {
namespace {

using ports::LogReader;

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

/// What was asked for, read on another thread as the client takes it.
struct Job {
    LogSelection selection;
    std::shared_ptr<LogReader> logs;
    std::optional<LogMerge> merge = {};
    std::optional<Error> failure = {};
    LogMerge::Text next = {};

    [[nodiscard]] Result<std::unique_ptr<ports::LogWalk>> walk(Slot slot) const
    {
        if (!selection.lines) return logs->walk(selection.unit, slot, *selection.since);
        auto tail = logs->tail(selection.unit, slot, *selection.lines, selection.since);
        if (!tail) return tail.error();
        return std::unique_ptr<ports::LogWalk>(std::make_unique<TailWalk>(std::move(*tail)));
    }

    void begin()
    {
        std::vector<LogMerge::Input> inputs;
        for (const auto& part : selection.parts) {
            auto walk_of_part = walk(part.slot);
            if (!walk_of_part) {
                failure = walk_of_part.error();
                return;
            }
            inputs.push_back({std::move(*walk_of_part), part.prefix});
        }
        merge.emplace(std::move(inputs), selection.since,
                      selection.follow == LogSelection::Follow::yes ? LogMerge::Unfinished::kept
                                                                    : LogMerge::Unfinished::ended);
    }
};

/// First what was written, no faster than the client takes it; then, on request, what is written.
class LogStream final : public StreamSource {
public:
    LogStream(ports::Loop& loop, const std::shared_ptr<Exchange>& exchange,
              std::shared_ptr<Job> job)
        : loop_(loop), exchange_(exchange), job_(std::move(job))
    {}

    std::optional<std::string> take() override
    {
        std::string text = std::exchange(pending_, {});
        if (left_out_ > 0)
            text +=
                fmt::format("\n[keel: {} bytes left out, they came faster than they were read]\n",
                            std::exchange(left_out_, 0));
        if (text.empty() && phase_ == Phase::over) return std::nullopt;
        if (phase_ == Phase::merging) merge_more();
        return text;
    }

private:
    enum class Phase : std::uint8_t { merging, following, over };

    void merge_more()
    {
        if (std::exchange(is_merging_, true)) return;
        loop_.offload([job = job_] { job->next = job->merge->next(); },
                      [this, alive = std::weak_ptr(alive_)] {
                          if (!alive.expired()) take_merged();
                      });
    }

    void take_merged()
    {
        is_merging_ = false;
        pending_ += job_->next.text;
        if (job_->next.is_last)
            go_on();
        else if (pending_.empty())
            return merge_more();
        wake();
    }

    void go_on()
    {
        phase_ = Phase::over;
        if (job_->selection.follow == LogSelection::Follow::no) return;
        for (std::size_t i = 0; i < job_->selection.parts.size(); ++i) {
            const auto& part = job_->selection.parts[i];
            LinePrefixer& prefixer = prefixers_.emplace_back(part.prefix);
            prefixer.pass(job_->merge->rest(i), pending_);
            auto following = job_->logs->follow(
                job_->selection.unit, part.slot, job_->merge->position(i),
                [this, &prefixer](std::string_view bytes) { append(prefixer, bytes); });
            if (!following) {
                pending_ += fmt::format("\n[keel: {}]\n", following.error().text());
                followers_.clear();
                return;
            }
            followers_.push_back(std::move(*following));
        }
        phase_ = Phase::following;
    }

    void append(LinePrefixer& prefixer, std::string_view bytes)
    {
        if (pending_.size() + bytes.size() > pending_max)
            left_out_ += bytes.size();
        else
            prefixer.pass(bytes, pending_);
        wake();
    }

    void wake()
    {
        if (const auto exchange = exchange_.lock()) exchange->wake();
    }

    ports::Loop& loop_;
    std::weak_ptr<Exchange> exchange_;
    std::shared_ptr<Job> job_; ///< the other thread's while is_merging_
    Phase phase_ = Phase::merging;
    bool is_merging_ = false;
    std::deque<LinePrefixer> prefixers_; ///< a deque, as handlers hold references
    std::string pending_;
    std::size_t left_out_ = 0;
    std::vector<ports::Loop::Registration> followers_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

Problem log_problem(const Error& error)
{
    return {503, "urn:keel:problem:log", "The log cannot be read", error.text(), {}, {}};
}

/// The lines' times, as far as there are none: how old they may be.
void tell_of_untimed(HttpAnswer& head, const std::optional<LogMerge::Untimed>& untimed)
{
    if (untimed)
        head.headers.emplace_back(untimed_since_header,
                                  untimed->since ? to_rfc3339(*untimed->since) : "unknown");
}

} // namespace

void answer_with_log(ports::Loop& loop, const std::shared_ptr<LogReader>& logs,
                     const std::shared_ptr<Exchange>& exchange, LogSelection selection)
{
    auto job = std::make_shared<Job>(Job{std::move(selection), logs});
    auto untimed = std::make_shared<std::optional<LogMerge::Untimed>>();
    loop.offload(
        [job, untimed] {
            job->begin();
            if (job->merge && job->selection.since) *untimed = job->merge->untimed();
        },
        [job, untimed, exchange, &loop] {
            if (exchange->is_gone()) return;
            if (job->failure) return exchange->answer(problem_answer(log_problem(*job->failure)));
            HttpAnswer head = text_answer({});
            tell_of_untimed(head, *untimed);
            if (!job->selection.elsewhere.empty())
                head.headers.emplace_back(log_target_header, job->selection.elsewhere);
            exchange->stream(std::move(head), std::make_unique<LogStream>(loop, exchange, job));
        });
}

} // namespace keel::control
