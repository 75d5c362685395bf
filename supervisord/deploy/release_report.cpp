#include "deploy/release_report.hpp"

#include "base/owned_fd.hpp"
#include "base/text.hpp"

#include <array>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>

namespace keel::deploy {
namespace {

std::optional<std::uint64_t> parse_number(std::string_view text)
{
    std::uint64_t value = 0;
    const auto end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, value);
    if (problem != std::errc{} || stopped != end) return std::nullopt;
    return value;
}

void take_line(ReleaseReport& report, std::string_view line)
{
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos) return;
    const auto key = line.substr(0, blank);
    const auto value = line.substr(blank + 1);
    if (key == "step") report.step = from_name<Step>(value).value_or(Step::starting);
    if (key == "bytes") report.bytes = parse_number(value).value_or(0);
    if (key == "total") report.total = parse_number(value);
    if (key == "entries") report.entries = parse_number(value).value_or(0);
    if (key == "state") report.state = from_name<RunState>(value).value_or(RunState::running);
    if (key == "fault") report.fault = from_name<Fault>(value);
    if (key == "what") report.what = printable(value, report_what_bytes_max);
}

} // namespace

std::string to_text(const ReleaseReport& report)
{
    std::string text = fmt::format("step {}\nbytes {}\n", name(report.step), report.bytes);
    if (report.total) text += fmt::format("total {}\n", *report.total);
    text += fmt::format("entries {}\nstate {}\n", report.entries, name(report.state));
    if (report.fault) text += fmt::format("fault {}\n", name(*report.fault));
    if (!report.what.empty())
        text += fmt::format("what {}\n", printable(report.what, report_what_bytes_max));
    return text;
}

ReleaseReport parse_release_report(std::string_view text)
{
    ReleaseReport report;
    text = text.substr(0, report_bytes_max);
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        take_line(report, text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    return report;
}

std::optional<ReleaseReport> read_release_report(const std::string& path)
{
    const OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    std::array<char, report_bytes_max> bytes{};
    const ssize_t count = file ? ::read(file.get(), bytes.data(), bytes.size()) : 0;
    if (count <= 0) return std::nullopt;
    return parse_release_report({bytes.data(), static_cast<std::size_t>(count)});
}

ReleaseExit exit_of(Fault fault)
{
    switch (fault) {
    case Fault::source: return ReleaseExit::source;
    case Fault::release: return ReleaseExit::release;
    case Fault::host: break;
    }
    return ReleaseExit::host;
}

std::optional<Fault> fault_of_exit(int code)
{
    if (code == static_cast<int>(ReleaseExit::done)) return std::nullopt;
    if (code == static_cast<int>(ReleaseExit::source)) return Fault::source;
    if (code == static_cast<int>(ReleaseExit::release)) return Fault::release;
    return Fault::host;
}

} // namespace keel::deploy
