// Keeps the report of release_report.hpp up to date in its file.
//
// A report is a courtesy: where it cannot be written the work goes on, and that is said once.
#pragma once
#include "deploy/counters.hpp"

#include <chrono>
#include <string>

namespace keel::deploy {

class ReportFile {
public:
    /// Empty: nobody wants one.
    explicit ReportFile(std::string path) : path_(std::move(path)) {}

    void begin(Step step, std::optional<std::uint64_t> total = {});
    /// In all so far, in this step. Written at most five times a second.
    void advance(std::uint64_t bytes, std::uint64_t entries = 0);
    /// What a child says of itself.
    void follow(const Counters& counters);
    void done();
    void failed(Fault fault, const std::string& what);

    [[nodiscard]] const ReleaseReport& report() const { return report_; }

private:
    void write();

    std::string path_;
    ReleaseReport report_;
    std::chrono::steady_clock::time_point written_;
    bool told_ = false;
};

} // namespace keel::deploy
