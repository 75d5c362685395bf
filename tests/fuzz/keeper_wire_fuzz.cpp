// Any bytes as a record, read by both sides: what is let in keeps the promises of wire.hpp.
#include "keeper/wire.hpp"

#include <cstdlib>

using namespace keel::wire;

namespace {

void require(bool holds)
{
    if (!holds) std::abort();
}

void check(Reader reader, const std::uint8_t* data, std::size_t size)
{
    Record record;
    if (!decode(reader, data, size, record)) return;
    const Uses uses = uses_of(record.kind);
    require(size == sizeof record && std::memcmp(&record, data, size) == 0);
    require(record.format == version && uses.known);
    require((static_cast<int>(record.kind) >= 64) == (reader == Reader::engine));
    require((record.id != 0) == uses.id && (record.pid > 0) == uses.pid);
    require(std::memchr(record.text, 0, sizeof record.text) != nullptr);
    require(std::memchr(record.text, '\n', sizeof record.text) == nullptr);
    // What one reads, the other does not.
    Record other;
    const Reader opposite = reader == Reader::keeper ? Reader::engine : Reader::keeper;
    require(!decode(opposite, data, size, other));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const std::uint8_t nothing = 0;
    if (data == nullptr) data = &nothing;
    check(Reader::keeper, data, size);
    check(Reader::engine, data, size);
    return 0;
}
