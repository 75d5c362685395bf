// How far a deployment is, in lines: one that stays for each step that is over, and one that is
// drawn again and again about the step that is under way.
//
// It is shown the unit as often as somebody looks, and makes of the differences what there is to
// say. It knows no terminal, no daemon and no clock.
#pragma once
#include "base/time.hpp"
#include "cli/table.hpp"
#include "core/views.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace keel::cli {

class DeployProgress {
public:
    /// Of the operation that was asked for; another deployment of the unit is not looked at.
    DeployProgress(OperationId operation, Colour colour) : operation_(operation), colour_(colour) {}

    /// The unit as it is now. Returns the lines that are new, each without its end.
    std::vector<std::string> see(const core::UnitView& unit, MonoTime now);
    /// An event of kind `deploy`: its words tell why a step waits.
    void hear(std::string words) { latest_words_ = std::move(words); }
    /// It was done: the lines of steps whose end nobody saw.
    std::vector<std::string> finish(MonoTime now);

    /// About the step that is under way: `  fetch    12.0 MiB of 500 MiB (2%), 3.1 MiB/s, 4 s`.
    /// Empty: none is.
    [[nodiscard]] std::string present(MonoTime now) const;

private:
    struct Seen {
        core::DeployStep::Status status = core::DeployStep::Status::todo;
        MonoTime began{};
    };
    struct Sample {
        MonoTime at;
        std::uint64_t bytes;
    };
    void compare(std::size_t step, core::DeployStep::Status status, MonoTime now,
                 std::vector<std::string>& lines);
    void note_bytes(MonoTime now);
    [[nodiscard]] std::string line_of(std::size_t step, std::string_view text) const;
    [[nodiscard]] std::string headline(const core::UnitView& unit) const;
    [[nodiscard]] std::string doing(const core::DeploymentView::Step& step) const;
    [[nodiscard]] std::string amount() const;

    OperationId operation_;
    Colour colour_;
    std::optional<core::DeploymentView> deployment_; ///< as last seen; none: not yet
    unsigned rolled_ = 0;                            ///< instances that are ready on the release
    unsigned instances_ = 0;
    std::vector<Seen> seen_; ///< by step
    std::deque<Sample> samples_;
    std::string latest_words_;
};

} // namespace keel::cli
