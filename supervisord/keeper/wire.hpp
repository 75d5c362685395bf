// What keeper and engine say to each other, byte by byte. The only header that both include.
//
// The channel is an AF_UNIX SOCK_SEQPACKET pair, so a record arrives whole or not at all and
// nothing has to be framed. Each engine has its own, as descriptor 3: what one engine was told or
// said is never taken for news by the next. A record is 128 bytes, in the machine's byte order:
//
//   0 version  u8   1              8  id     u64  spawn or key     24 value i32  wait status, exit
//   1 kind     u8   table below    16 start_ticks u64                            code, orders
//   2 zero     u16  0                                              28 text  char[100]
//   4 pid      i32  process
//
//   kind, to the keeper   uses                            meaning
//   hello                 id pid start_ticks text         the child itself, before anything else
//   acknowledge           id                              forget the end of this spawn
//   heartbeat                                             a full turn of the loop is done
//   ready                                                 first good turn
//   notify                text                            say this to systemd: `STATUS=…`
//   exit                  value (exit code)               I am leaving and so should you
//   hold                  id, one descriptor              keep it open under this key
//   drop                  id                              close it
//   fetch                 id                              what is held under this key, please
//   kind, to the engine
//   child                 id pid start_ticks text         a living child
//   exited                id pid start_ticks value text   its end; `child` may not have come before
//   list_end                                              all is told that was known when it began
//   orders                value                           what people and systemd ask for
//   hold_refused          id                              no room or no descriptor came
//   held                  id, one descriptor              fetched; it is still held, too
//   not_held              id                              nothing is held under this key
//
// Fields that a kind does not use are 0. `text` is zero-terminated, zero-padded and free of control
// characters; of a child it is the instance, `UNIT.SLOT`, so that children can be adopted even when
// the engine's own state is lost. Each engine is told everything once. Answers to `fetch` may be
// lost when the channel is full; who misses one asks again.
//
// Rejected: length-prefixed messages on a stream. They need a parser with state and buffers in the
// one process that must not fail, and two writers (engine and a child in set-up) would interleave.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace keel::wire {

inline constexpr std::uint8_t version = 1;
inline constexpr int engine_fd = 3; ///< the channel, in the engine and in a child during set-up

enum class Kind : std::uint8_t {
    hello = 1,
    acknowledge,
    heartbeat,
    ready,
    notify,
    exit,
    hold,
    drop,
    fetch,
    child = 64,
    exited,
    list_end,
    orders,
    hold_refused,
    held,
    not_held
};

/// Bits of the value of `orders`: SIGTERM or SIGINT, SIGHUP, SIGUSR2.
enum Orders : std::uint8_t { shutdown = 1, apply = 2, leave = 4 };

struct Record {
    std::uint8_t format = version;
    Kind kind{};
    std::uint16_t zero = 0;
    std::int32_t pid = 0;
    std::uint64_t id = 0;
    std::uint64_t start_ticks = 0;
    std::int32_t value = 0;
    char text[100] = {};
};
static_assert(sizeof(Record) == 128 && offsetof(Record, text) == 28);

enum class Reader : std::uint8_t { keeper, engine };

/// Which fields a kind may use; nothing for a kind that does not exist.
struct Uses {
    bool known = false, id = false, pid = false, value = false, start = false, text = false;
};
constexpr Uses uses_of(Kind kind)
{
    switch (kind) {
    case Kind::hello:
    case Kind::child: return {true, true, true, false, true, true};
    case Kind::exited: return {true, true, true, true, true, true};
    case Kind::acknowledge:
    case Kind::hold:
    case Kind::drop:
    case Kind::fetch:
    case Kind::held:
    case Kind::not_held:
    case Kind::hold_refused: return {true, true};
    case Kind::notify: return {true, false, false, false, false, true};
    case Kind::exit:
    case Kind::orders: return {true, false, false, true};
    case Kind::heartbeat:
    case Kind::ready:
    case Kind::list_end: return {true};
    }
    return {};
}

/// True if `bytes` is a well-formed record for this reader; `out` is set only then.
inline bool decode(Reader reader, const void* bytes, std::size_t size, Record& out)
{
    Record record;
    if (size != sizeof record) return false;
    std::memcpy(static_cast<void*>(&record), bytes, size);
    const Uses uses = uses_of(record.kind);
    const bool for_engine = static_cast<std::uint8_t>(record.kind) >= 64;
    if (!uses.known || for_engine != (reader == Reader::engine)) return false;
    if (record.format != version || record.zero != 0) return false;
    if (uses.id ? record.id == 0 : record.id != 0) return false;
    if (uses.pid ? record.pid <= 0 : record.pid != 0) return false;
    if (!uses.value && record.value != 0) return false;
    if (!uses.start && record.start_ticks != 0) return false;
    std::size_t length = 0;
    for (; length < sizeof record.text && record.text[length] != 0; ++length) {
        const auto byte = static_cast<unsigned char>(record.text[length]);
        if (!uses.text || byte < 0x20 || byte == 0x7f) return false;
    }
    if (length == sizeof record.text) return false;
    for (; length < sizeof record.text; ++length)
        if (record.text[length] != 0) return false;
    out = record;
    return true;
}

} // namespace keel::wire
