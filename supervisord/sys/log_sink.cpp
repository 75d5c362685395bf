#include "sys/log_sink.hpp"

#include "sys/fifo.hpp"
#include "sys/journal_stream.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace keel::sys {

namespace fs = std::filesystem;

namespace {

/// A disk that hangs answers none, and instances go on failing.
constexpr std::size_t listening_max = 1000;

} // namespace

LogSink::LogSink(ports::Loop& loop, LogSinkOptions options)
    : loop_(loop), options_(std::move(options)), mailbox_(loop)
{}

LogSink::~LogSink() = default;

void LogSink::take_over(const SpecOf& spec_of)
{
    std::error_code failed;
    fs::directory_iterator entry(options_.fifo_dir, failed);
    for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
        std::error_code unseen;
        if (!entry->is_fifo(unseen)) continue;
        const auto name = parse_instance_name(entry->path().filename().native());
        if (!name) continue;
        const auto spec = spec_of(name->unit, name->slot);
        const auto opened = open(name->unit, name->slot, spec.value_or(units::LogSpec{}));
        if (!opened && options_.tell)
            options_.tell(name->unit, name->slot,
                          "its log is not taken over: " + opened.error().text());
        if (!spec) forget(name->unit, name->slot);
    }
}

Result<int> LogSink::output_of(const std::string& unit, Slot slot, const units::LogSpec& spec,
                               const std::optional<ports::Credentials>& owner)
{
    switch (spec.target) {
    case units::LogTarget::journal: return journal_of(unit, slot);
    case units::LogTarget::inherit: return STDERR_FILENO;
    case units::LogTarget::null: return -1;
    case units::LogTarget::file: break;
    }
    auto entry = open(unit, slot, spec);
    if (!entry) return entry.error();
    Entry& known = **entry;
    if (known.rules != spec) {
        known.rules = spec;
        if (!known.has_piece)
            if (auto piece = open_piece(instance_name(unit, slot), spec)) {
                known.has_piece = true;
                drain().set_piece_in_hand(known.id, std::move(*piece));
            }
        drain().set_rules(known.id, spec);
    }
    make_plain(known.fifo->get());
    give_fifo(known.fifo->get(), owner);
    return known.fifo->get();
}

/// A connection for each spawn: the journal may be another one by the next. A unit does not wait
/// for a journal; it is told once, and again after there was one in between.
int LogSink::journal_of(const std::string& unit, Slot slot)
{
    const std::string name = instance_name(unit, slot);
    auto connected = connect_to_journal(options_.journal_socket, unit);
    if (connected) {
        without_journal_.erase(name);
        journal_ = std::move(*connected);
        return journal_.get();
    }
    if (without_journal_.insert(name).second && options_.tell)
        options_.tell(unit, slot,
                      "its output goes where keeld's own does, not to the journal: " +
                          connected.error().text());
    return STDERR_FILENO;
}

Result<LogSink::Entry*> LogSink::open(const std::string& unit, Slot slot, units::LogSpec rules)
{
    const std::string name = instance_name(unit, slot);
    if (const auto known = entries_.find(name); known != entries_.end()) return &known->second;
    // Processes only need their own descriptor, so nobody has to list or enter the folder's files;
    // 0711 lets /dev/stdout be opened by its name.
    if (::mkdir(options_.fifo_dir.c_str(), 0711) != 0 && errno != EEXIST)
        return Error::from_errno("make folder", options_.fifo_dir);
    auto fifo = open_fifo(options_.fifo_dir / name);
    if (!fifo) return fifo.error();
    const auto shared = std::make_shared<const OwnedFd>(std::move(*fifo));
    LogFile file(LogNames(options_.log_dir, unit, slot), rules);
    auto piece = open_piece(name, rules);
    const bool has_piece = piece.has_value();
    if (piece) file.set_piece_in_hand(std::move(*piece));
    try {
        LogSource source{name, shared, std::move(file), counters_of(unit), {}};
        if (auto node = awaited_.extract(name); !node.empty())
            source.awaited = std::move(node.mapped());
        drain().add(next_id_, std::move(source));
    } catch (const std::system_error& refused) {
        return Error{"start log thread", name, refused.code().value()};
    }
    if (options_.hold) options_.hold(hold_key(name), shared->get());
    Entry& entry = entries_[name];
    entry.id = next_id_++;
    entry.fifo = shared;
    entry.rules = rules;
    entry.has_piece = has_piece;
    return &entry;
}

/// Only where lines have times, or had some and one engine left a piece: it costs a pipe.
std::optional<PieceInHand> LogSink::open_piece(const std::string& name, const units::LogSpec& rules)
{
    if (rules.format == units::LogFormat::raw && !PieceInHand::exists(options_.fifo_dir, name))
        return std::nullopt;
    auto piece = PieceInHand::open(options_.fifo_dir, name);
    if (!piece) {
        if (const auto its = parse_instance_name(name); options_.tell && its)
            options_.tell(its->unit, its->slot, "its lines have no times: " + piece.error().text());
        return std::nullopt;
    }
    if (options_.hold) options_.hold(hold_key(PieceInHand::name(name)), piece->pipe());
    return std::move(*piece);
}

LogDrain& LogSink::drain()
{
    if (!drain_)
        drain_ = std::make_unique<LogDrain>([sender = mailbox_.sender(), tell = options_.tell](
                                                const std::string& name, const std::string& text) {
            const auto its = parse_instance_name(name);
            if (tell && its) sender.post([tell, its, text] { tell(its->unit, its->slot, text); });
        });
    return *drain_;
}

std::shared_ptr<LogCounters> LogSink::counters_of(const std::string& unit)
{
    auto& counters = counters_[unit];
    if (!counters) counters = std::make_shared<LogCounters>();
    return counters;
}

std::uint64_t LogSink::bytes(const std::string& unit) const
{
    const auto known = counters_.find(unit);
    return known == counters_.end() ? 0 : known->second->bytes.load(std::memory_order_relaxed);
}

std::uint64_t LogSink::dropped_bytes(const std::string& unit) const
{
    const auto known = counters_.find(unit);
    return known == counters_.end() ? 0 : known->second->dropped.load(std::memory_order_relaxed);
}

void LogSink::forget(const std::string& unit, Slot slot)
{
    const std::string name = instance_name(unit, slot);
    const auto known = entries_.find(name);
    if (known == entries_.end()) return;
    drain().remove(known->second.id);
    finders_.erase(name);
    if (options_.drop) options_.drop(hold_key(name));
    ::unlink((options_.fifo_dir / name).c_str());
    if (known->second.has_piece) {
        if (options_.drop) options_.drop(hold_key(PieceInHand::name(name)));
        PieceInHand::remove(options_.fifo_dir, name);
    }
    entries_.erase(known);
}

void LogSink::await_line(const std::string& unit, Slot slot, ports::LogSink::AwaitedLine line,
                         Awaits awaits)
{
    const std::string name = instance_name(unit, slot);
    if (awaits == Awaits::new_spawn) renew(name);
    const auto known = entries_.find(name);
    if (known != entries_.end())
        drain().await_line(known->second.id, carried_over(name, std::move(line)));
    else
        awaited_.insert_or_assign(name, carried_over(name, std::move(line)));
}

/// A FIFO of its own for what comes now, so that nothing of it is taken for what came before. The
/// thread moves what the old one still holds before it begins with the new one. Nobody else holds
/// the old one then: an engine that is killed before that takes those bytes along.
void LogSink::renew(const std::string& name)
{
    const auto known = entries_.find(name);
    if (known == entries_.end()) return;
    drain().remove(known->second.id);
    ::unlink((options_.fifo_dir / name).c_str());
    entries_.erase(known);
}

/// `found` stays on the loop's side: the thread only carries its number.
sys::AwaitedLine LogSink::carried_over(const std::string& name, ports::LogSink::AwaitedLine line)
{
    const std::uint64_t ticket = next_id_++;
    finders_[name] = {ticket, std::move(line.found)};
    return {LineWatch(line.expression),
            [sender = mailbox_.sender(), this, name, ticket](const std::string& text) {
                sender.post([this, name, ticket, text] {
                    const auto mine = finders_.find(name);
                    if (mine == finders_.end() || mine->second.ticket != ticket) return;
                    const auto found = std::move(mine->second.found);
                    finders_.erase(mine);
                    found(text);
                });
            }};
}

void LogSink::when_drained(const std::string& unit, Slot slot, std::function<void()> done)
{
    const auto known = entries_.find(instance_name(unit, slot));
    if (known == entries_.end()) {
        loop_.defer(std::move(done));
        return;
    }
    // `done` stays on the loop's side: the thread only carries its number.
    const std::uint64_t ticket = next_id_++;
    waiting_.emplace(ticket, std::move(done));
    drain().when_drained(known->second.id, [sender = mailbox_.sender(), this, ticket] {
        sender.post([this, ticket] {
            if (auto node = waiting_.extract(ticket); !node.empty()) node.mapped()();
        });
    });
}

void LogSink::last_words(const std::string& unit, Slot slot,
                         std::function<void(core::LastWords)> done)
{
    const auto known = entries_.find(instance_name(unit, slot));
    if (known == entries_.end() || listening_.size() >= listening_max) {
        loop_.defer([done = std::move(done)] { done(nullptr); });
        return;
    }
    const std::uint64_t ticket = next_id_++;
    listening_.emplace(ticket, std::move(done));
    drain().last_words(known->second.id,
                       [sender = mailbox_.sender(), this, ticket](const core::LastWords& words) {
                           sender.post([this, ticket, words] {
                               if (auto node = listening_.extract(ticket); !node.empty())
                                   node.mapped()(words);
                           });
                       });
}

} // namespace keel::sys
