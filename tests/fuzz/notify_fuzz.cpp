// Any datagram as a notice: whatever it holds, what comes out is bounded and printable.
#include "base/ensure.hpp"
#include "base/text.hpp"
#include "core/notice.hpp"

#include <algorithm>

using namespace keel;
using namespace keel::core;

namespace {

bool is_in_bounds(const std::optional<Duration>& span)
{
    return !span || (*span >= notice_span_min && *span <= notice_span_max);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view datagram(reinterpret_cast<const char*>(data), size);
    const Notice notice = parse_notice(datagram);
    ENSURE(is_in_bounds(notice.extension) && is_in_bounds(notice.watchdog), "spans are bounded");
    ENSURE(!notice.main || *notice.main > 1, "no process of the kernel's or of init's");
    const std::string status = notice.status.value_or("");
    ENSURE(status.size() <= status_bytes_max, "a status is short");
    ENSURE(printable(status, 2 * status_bytes_max) == status, "a status is valid, plain text");
    ENSURE(datagram.find('=') != std::string_view::npos || to_text(notice).empty(),
           "no news comes of nothing");
    return 0;
}
