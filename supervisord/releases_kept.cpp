#include "releases_kept.hpp"

#include "deploy/release_report.hpp"
#include "history.hpp"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <unistd.h>

namespace keel {
namespace {

using namespace std::chrono_literals;

/// A disk that takes longer does not hold up a deployment: its record is on tmpfs as well, and
/// only a loss of power could make it be forgotten.
constexpr std::chrono::milliseconds patience_with_disk = 10s;

core::DeployFault fault_of(deploy::Fault fault)
{
    switch (fault) {
    case deploy::Fault::source: return core::DeployFault::source;
    case deploy::Fault::release: return core::DeployFault::release;
    case deploy::Fault::host: break;
    }
    return core::DeployFault::host;
}

} // namespace

ReleasesKept::ReleasesKept(ports::Loop& loop, const sys::Paths& paths)
    : loop_(loop), reports_(paths.deploy_dir),
      journal_(kept_over_boots(paths.release_journal, "releases"))
{
    std::error_code ignored; // A helper that has no file says nothing, and works all the same.
    std::filesystem::create_directories(reports_, ignored);
    std::filesystem::permissions(reports_, std::filesystem::perms::owner_all, ignored);
}

void ReleasesKept::when_kept(std::function<void()> done)
{
    loop_.offload([settle = journal_.settler()] { settle(patience_with_disk); },
                  [this, done = std::move(done)] {
                      end_here_if_told();
                      done();
                  });
}

/// For tests, which want to know what the next engine makes of each record: the file that
/// KEEL_END_AFTER_RECORD names holds the number, counted from when it is there, of the one after
/// which this process is killed, and `keeper` behind it if that one is, too. It is gone by then.
void ReleasesKept::end_here_if_told()
{
    const char* path = std::getenv("KEEL_END_AFTER_RECORD");
    if (path == nullptr) return;
    std::ifstream file(path);
    unsigned after = 0;
    std::string who;
    records_ = file >> after ? records_ + 1 : 0;
    if (records_ == 0 || after != records_) return;
    file >> who;
    (void)::unlink(path);
    if (who == "keeper") (void)::kill(::getppid(), SIGKILL);
    (void)::kill(::getpid(), SIGKILL);
}

std::string ReleasesKept::report_of(const std::string& unit) const { return reports_ / unit; }

std::optional<ports::DeployProgress> ReleasesKept::progress_of(const std::string& unit) const
{
    const auto report = deploy::read_release_report(report_of(unit));
    if (!report) return std::nullopt;
    ports::DeployProgress progress;
    progress.step = name(report->step);
    progress.bytes = report->bytes;
    progress.total = report->total;
    progress.entries = report->entries;
    if (report->fault) progress.fault = fault_of(*report->fault);
    progress.what = report->what;
    return progress;
}

void ReleasesKept::forget_report(const std::string& unit)
{
    (void)::unlink(report_of(unit).c_str());
}

} // namespace keel
