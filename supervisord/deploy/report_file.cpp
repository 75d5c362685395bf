#include "deploy/report_file.hpp"

#include "base/owned_fd.hpp"
#include "base/result.hpp"
#include "deploy/failed.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace keel::deploy {
namespace {

constexpr std::chrono::milliseconds interval_min{200};

bool replace(const std::string& path, const std::string& text)
{
    const std::string fresh = path + ".partial";
    OwnedFd file(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return false;
    const ssize_t count = ::write(file.get(), text.data(), text.size());
    if (count != static_cast<ssize_t>(text.size())) return false;
    return ::rename(fresh.c_str(), path.c_str()) == 0;
}

} // namespace

void ReportFile::begin(Step step, std::optional<std::uint64_t> total)
{
    const auto entries = report_.entries;
    report_ = {};
    report_.step = step;
    report_.total = total;
    report_.entries = entries;
    write();
}

void ReportFile::advance(std::uint64_t bytes, std::uint64_t entries)
{
    report_.bytes = bytes;
    report_.entries = entries;
    if (std::chrono::steady_clock::now() - written_ >= interval_min) write();
}

void ReportFile::follow(const Counters& counters)
{
    // A child that has been taken over may put anything there.
    const Step step = counters.step;
    const Step known =
        static_cast<std::size_t>(step) < names_of<Step>.size() ? step : Step::starting;
    const std::uint64_t total = counters.total;
    if (report_.step != known || report_.total.value_or(0) != total)
        begin(known, total != 0 ? std::optional(total) : std::nullopt);
    advance(counters.bytes, counters.entries);
}

void ReportFile::done()
{
    report_.state = RunState::done;
    write();
}

void ReportFile::failed(Fault fault, const std::string& what)
{
    report_.state = RunState::failed;
    report_.fault = fault;
    report_.what = what;
    write();
}

void ReportFile::write()
{
    written_ = std::chrono::steady_clock::now();
    if (path_.empty() || replace(path_, to_text(report_)) || told_) return;
    told_ = true;
    say(Error::from_errno("write the report", path_).text());
}

} // namespace keel::deploy
