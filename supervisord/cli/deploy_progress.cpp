#include "cli/deploy_progress.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace keel::cli {
namespace {

using Status = core::DeployStep::Status;

/// The rate is that of so long; more would tell of a network as it was, less would jump.
constexpr Duration rate_span = std::chrono::seconds(5);
constexpr std::size_t step_width_max = 24;

bool is_under_way(Status status) { return status == Status::doing || status == Status::undoing; }

/// To the second: it is drawn again every second.
std::string whole_seconds(Duration length)
{
    return to_human(std::chrono::floor<std::chrono::seconds>(std::max(length, Duration{0})));
}

} // namespace

std::vector<std::string> DeployProgress::see(const core::UnitView& unit, MonoTime now)
{
    std::vector<std::string> lines;
    const bool is_ours = unit.deployment && unit.operation && unit.operation->id == operation_;
    if (!is_ours) return lines;
    if (!deployment_) lines.push_back(headline(unit));
    const bool fails_now =
        !unit.deployment->failure.empty() && (!deployment_ || deployment_->failure.empty());
    deployment_ = *unit.deployment;
    instances_ = unit.wanted_instances;
    rolled_ = static_cast<unsigned>(std::ranges::count_if(unit.instances, [&](const auto& each) {
        return each.release == deployment_->release && each.state == "ready";
    }));
    seen_.resize(deployment_->steps.size());
    for (std::size_t i = 0; i < seen_.size(); ++i)
        if (!fails_now || deployment_->steps[i].status == Status::done)
            compare(i, deployment_->steps[i].status, now, lines);
    if (fails_now) {
        lines.push_back(toned(
            fmt::format("  {}; what was done is being undone", printable(deployment_->failure)),
            Tone::bad, colour_));
        for (std::size_t i = seen_.size(); i-- > 0;)
            compare(i, deployment_->steps[i].status, now, lines);
    }
    note_bytes(now);
    return lines;
}

/// On the way back only what had to be undone, and was seen to be, has a line.
void DeployProgress::compare(std::size_t step, Status status, MonoTime now,
                             std::vector<std::string>& lines)
{
    Seen& seen = seen_[step];
    const Status before = std::exchange(seen.status, status);
    if (before == status) return;
    const std::string took =
        is_under_way(before) ? " in " + to_human(std::max(now - seen.began, Duration{0})) : "";
    if (is_under_way(status)) {
        seen.began = now;
        samples_.clear();
    }
    if (status == Status::done)
        lines.push_back(line_of(step, toned("done", Tone::good, colour_) + took));
    if (status == Status::undone && before == Status::undoing)
        lines.push_back(line_of(step, "undone" + took));
    if (status == Status::stuck)
        lines.push_back(
            line_of(step, toned("could not be undone: see to it by hand", Tone::bad, colour_)));
}

void DeployProgress::note_bytes(MonoTime now)
{
    const std::uint64_t bytes = deployment_->bytes;
    // Less than before: it was begun anew.
    if (!samples_.empty() && samples_.back().bytes > bytes) samples_.clear();
    samples_.push_back({now, bytes});
    while (samples_.size() > 2 && now - samples_[1].at >= rate_span)
        samples_.pop_front();
}

std::vector<std::string> DeployProgress::finish(MonoTime now)
{
    std::vector<std::string> lines;
    if (!deployment_) return lines;
    for (std::size_t i = 0; i < seen_.size(); ++i) {
        compare(i, Status::done, now, lines);
        deployment_->steps[i].status = Status::done;
    }
    return lines;
}

std::string DeployProgress::headline(const core::UnitView& unit) const
{
    const core::DeploymentView& deployment = *unit.deployment;
    const bool goes_back = deployment.kind == core::UnitDeployment::Kind::rollback;
    const std::string former =
        deployment.from.empty() ? ", its first release" : " in the place of " + deployment.from;
    return fmt::format("{}: {} {}{}, operation {}", unit.name,
                       goes_back ? "rolling back to" : "deploying", deployment.release, former,
                       number(operation_));
}

std::string DeployProgress::line_of(std::size_t step, std::string_view text) const
{
    std::size_t width = 0;
    for (const auto& each : deployment_->steps)
        width = std::max(width, width_of(printable(each.name)));
    const std::string shown = cut(printable(deployment_->steps[step].name), step_width_max);
    const std::size_t blanks = std::min(width, step_width_max) - width_of(shown);
    return fmt::format("  {}{}  {}", shown, std::string(blanks, ' '), text);
}

std::string DeployProgress::present(MonoTime now) const
{
    if (!deployment_) return {};
    for (std::size_t i = 0; i < seen_.size(); ++i) {
        const core::DeploymentView::Step& step = deployment_->steps[i];
        if (!is_under_way(step.status)) continue;
        const std::string what = doing(step);
        return line_of(i, fmt::format("{}{}{}", what, what.empty() ? "" : ", ",
                                      whole_seconds(now - seen_[i].began)));
    }
    return {};
}

std::string DeployProgress::doing(const core::DeploymentView::Step& step) const
{
    const bool goes_back = step.status == Status::undoing;
    if (deployment_->step != step.name && deployment_->step != "undoing " + step.name)
        return printable(latest_words_.empty() ? deployment_->step : latest_words_);
    if (goes_back) return "being undone";
    if (deployment_->bytes > 0) return amount();
    return step.name == "roll" ? fmt::format("{} of {} instances", rolled_, instances_) : "";
}

/// `12.0 MiB of 500 MiB (2%), 3.1 MiB/s`
std::string DeployProgress::amount() const
{
    const std::uint64_t bytes = deployment_->bytes;
    std::string text = human_size(bytes);
    if (const std::uint64_t total = deployment_->total.value_or(0); total > 0)
        text += fmt::format(
            " of {} ({}%)", human_size(total),
            static_cast<int>(
                std::min(1.0, static_cast<double>(bytes) / static_cast<double>(total)) * 100));
    const Duration span = samples_.back().at - samples_.front().at;
    if (span < std::chrono::seconds(1)) return text;
    const double rate =
        static_cast<double>(samples_.back().bytes - samples_.front().bytes) / seconds(span);
    return text + fmt::format(", {}/s", human_size(static_cast<std::uint64_t>(rate)));
}

} // namespace keel::cli
