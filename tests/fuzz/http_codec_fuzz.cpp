// Everything of the control API that reads bytes from elsewhere: HTTP answers and event streams as
// the client reads them, documents as both sides read them, and what the server makes of a path, a
// Host header or an address. The first byte chooses which.
//
// Beside the absence of crashes: how bytes are cut into pieces changes nothing, and a document that
// was understood is understood the same once it was written again.
#include "base/ensure.hpp"
#include "control/host_names.hpp"
#include "control/json_codec.hpp"
#include "control/listeners.hpp"
#include "control/response_reader.hpp"
#include "control/routes.hpp"
#include "control/sse_reader.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

using namespace keel;
using namespace keel::control;

namespace {

struct Answer {
    bool ok = true;
    bool complete = false;
    std::string body;
    friend bool operator==(const Answer&, const Answer&) = default;
};

Answer read_answer(std::string_view bytes, std::size_t step)
{
    ResponseReader reader;
    Answer answer;
    while (!bytes.empty() && answer.ok) {
        answer.ok = reader.feed(bytes.substr(0, step)).ok();
        bytes.remove_prefix(std::min(step, bytes.size()));
        if (answer.ok) answer.body += reader.take_body();
    }
    answer.ok = answer.ok && reader.end().ok();
    answer.complete = reader.is_complete();
    ENSURE(!answer.ok || answer.complete, "an answer without an error is complete");
    return answer;
}

void fuzz_response(std::string_view bytes, std::size_t step)
{
    const Answer whole = read_answer(bytes, bytes.size() + 1);
    const Answer pieces = read_answer(bytes, step);
    ENSURE(whole.ok == pieces.ok, "an answer is right or wrong however it is cut");
    ENSURE(!whole.ok || whole == pieces, "an answer is the same however it is cut");
}

struct Events {
    bool ok = true;
    std::vector<SseEvent> all;
};

Events read_events(std::string_view bytes, std::size_t step)
{
    SseReader reader;
    Events events;
    while (!bytes.empty() && events.ok) {
        auto some = reader.feed(bytes.substr(0, step));
        bytes.remove_prefix(std::min(step, bytes.size()));
        events.ok = some.ok();
        if (events.ok) std::ranges::move(*some, std::back_inserter(events.all));
    }
    return events;
}

void fuzz_events(std::string_view bytes, std::size_t step)
{
    const Events whole = read_events(bytes, bytes.size() + 1);
    const Events pieces = read_events(bytes, step);
    ENSURE(whole.ok == pieces.ok, "a stream is right or wrong however it is cut");
    ENSURE(!whole.ok || whole.all == pieces.all, "events are the same however they are cut");
}

template <class View>
void fuzz_document(std::string_view json, Result<View> (*decode)(std::string_view))
{
    const auto view = decode(json);
    if (!view) return;
    const std::string text = encode(*view);
    const auto again = decode(text);
    ENSURE(again.ok(), "what was written can be read");
    ENSURE(encode(*again) == text, "what was read again is the same");
}

void fuzz_server(std::string_view bytes)
{
    const std::string text(bytes);
    (void)find_route("GET", text);
    (void)find_route("POST", text);
    (void)names_this_host(text, {"web1"});
    (void)parse_tcp_address(text);
    if (const auto at = parse_rfc3339(text))
        ENSURE(to_rfc3339(*at).size() == 24, "a time has a form");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    const std::size_t step = data[1] % 16U + 1;
    switch (data[0] % 14U) {
    case 0: fuzz_response(bytes, step); break;
    case 1: fuzz_events(bytes, step); break;
    case 2: fuzz_document(bytes, decode_unit); break;
    case 3: fuzz_document(bytes, decode_why); break;
    case 4: fuzz_document(bytes, decode_event); break;
    case 5: fuzz_document(bytes, decode_outages); break;
    case 6: fuzz_document(bytes, decode_events); break;
    case 7: fuzz_document(bytes, decode_operation); break;
    case 8: fuzz_document(bytes, decode_problem); break;
    case 9: fuzz_document(bytes, decode_change); break;
    case 10: fuzz_document(bytes, decode_version); break;
    case 11: fuzz_server(bytes); break;
    case 12: fuzz_document(bytes, decode_releases); break;
    default: fuzz_document(bytes, decode_outline); break;
    }
    return 0;
}
