#include "engine/operation_book.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace keel::engine {
namespace {

const std::string key_prefix = "operation/";

std::string journal_key(OperationId id) { return fmt::format("{}{:020}", key_prefix, number(id)); }

bool is_over(const core::OperationRecord& record) { return record.outcome.has_value(); }

} // namespace

void OperationBook::recover()
{
    for (const auto& [name, text] : journal_.recovered()) {
        if (!name.starts_with(key_prefix)) continue;
        if (auto read = decode_operation(text)) {
            const OperationId id = read->record.id;
            entries_.insert_or_assign(id, Entry{std::move(*read), {}});
        }
    }
}

void OperationBook::forget_unless(
    const std::function<bool(const core::OperationRecord&)>& is_under_way)
{
    std::erase_if(entries_, [&](const auto& entry) {
        const core::OperationRecord& record = entry.second.keyed.record;
        if (is_over(record) || is_under_way(record)) return false;
        journal_.erase(journal_key(record.id));
        return true;
    });
}

const KeyedOperation* OperationBook::find_by_key(std::string_view key) const
{
    if (key.empty()) return nullptr;
    const auto found = std::ranges::find_if(
        entries_, [&](const auto& entry) { return entry.second.keyed.key == key; });
    return found == entries_.end() ? nullptr : &found->second.keyed;
}

const core::OperationRecord* OperationBook::find(OperationId id) const
{
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second.keyed.record;
}

std::vector<core::OperationRecord> OperationBook::list() const
{
    std::vector<core::OperationRecord> records;
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry)
        records.push_back(entry->second.keyed.record);
    return records;
}

void OperationBook::add(KeyedOperation operation)
{
    const OperationId id = operation.record.id;
    const auto [place, is_new] = entries_.insert_or_assign(id, Entry{std::move(operation), {}});
    put(place->second);
}

void OperationBook::wait_for(OperationId id, Done done)
{
    const auto found = entries_.find(id);
    if (found != entries_.end() && !is_over(found->second.keyed.record))
        found->second.waiting.push_back(std::move(done));
}

std::vector<OperationBook::Done> OperationBook::end(const core::OperationResult& result,
                                                    WallTime now)
{
    const auto found = entries_.find(result.id);
    if (found == entries_.end()) return {};
    Entry& entry = found->second;
    entry.keyed.record.outcome = result.outcome;
    entry.keyed.record.text = result.text;
    entry.keyed.record.ended = now;
    put(entry);
    auto waiting = std::exchange(entry.waiting, {});
    prune();
    return waiting;
}

void OperationBook::put(const Entry& entry)
{
    journal_.put(journal_key(entry.keyed.record.id), encode(entry.keyed));
}

void OperationBook::prune()
{
    auto over = static_cast<std::size_t>(std::ranges::count_if(
        entries_, [](const auto& entry) { return is_over(entry.second.keyed.record); }));
    for (auto entry = entries_.begin(); over > ended_max && entry != entries_.end();) {
        if (!is_over(entry->second.keyed.record)) {
            ++entry;
            continue;
        }
        journal_.erase(journal_key(entry->first));
        entry = entries_.erase(entry);
        --over;
    }
}

} // namespace keel::engine
