// What an instance wrote last before it failed: asked for as the failure is taken in, before
// anything follows from it, and known a moment later. It waits for nobody, and nobody for it.
#include "engine/engine.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace keel::engine {
namespace {

std::string key_of_words(OutageId id) { return fmt::format("words/{:020}", number(id)); }

constexpr std::string_view words_prefix = "words/";

} // namespace

/// What a record gets is what was written until the failure that it opens with: that may have been
/// an earlier one, as where the first start of all fails until its time is over.
struct Engine::Hearing {
    Slot slot = 1;
    std::string failure; ///< what the record will say is its cause
    bool is_over = false;
    core::LastWords words{};
    std::vector<OutageId> records{}; ///< that wait for it
};

/// Before what the step decided is carried out: no successor has written anything yet.
void Engine::hear_last_words(const core::HostStep& step)
{
    for (const core::HostNote& note : step.notes) {
        if (const auto* failed = std::get_if<core::AttemptFailed>(&note.note)) {
            const core::Outage* open = core::open_outage(host_.unit(note.unit).outage);
            if (open == nullptr || !last_words_.contains(open->id))
                hearings_[note.unit] = begin_hearing(note.unit, failed->slot, failed->failure.what);
        }
        if (const auto* opened = std::get_if<core::OutageOpened>(&note.note))
            hear_for(note.unit, opened->record);
        if (!host_.unit(note.unit).sign) hearings_.erase(note.unit);
    }
}

std::shared_ptr<Engine::Hearing> Engine::begin_hearing(UnitId unit, Slot slot, std::string failure)
{
    auto hearing = std::make_shared<Hearing>(Hearing{slot, std::move(failure)});
    const units::UnitSpec& spec = host_.spec(unit);
    if (spec.log.target != units::LogTarget::file) {
        hearing->is_over = true;
        return hearing;
    }
    ports_.logs.last_words(
        spec.name, slot,
        [this, hearing, alive = std::weak_ptr<int>(alive_)](core::LastWords words) {
            if (alive.expired()) return;
            hearing->is_over = true;
            hearing->words = std::move(words);
            for (const OutageId id : hearing->records)
                keep_last_words(id, hearing->words);
        });
    return hearing;
}

void Engine::hear_for(UnitId unit, const core::Outage& record)
{
    last_words_.try_emplace(record.id);
    if (!record.instance) return;
    const auto known = hearings_.find(unit);
    const bool is_the_one = known != hearings_.end() && known->second->slot == *record.instance &&
                            known->second->failure == record.cause_text;
    const auto hearing =
        is_the_one ? known->second : begin_hearing(unit, *record.instance, record.cause_text);
    hearing->records.push_back(record.id);
    if (hearing->is_over) keep_last_words(record.id, hearing->words);
}

void Engine::keep_last_words(OutageId id, const core::LastWords& words)
{
    const auto known = last_words_.find(id);
    if (!words || known == last_words_.end()) return;
    known->second = words;
    ports_.journal.put(key_of_words(id), encode(*words));
    const auto open = open_outages();
    if (const auto found = std::ranges::find(open, id, &core::Outage::id); found != open.end())
        return ports_.ledger.keep(**found, words);
    if (const auto found = std::ranges::find(ended_, id, &core::Outage::id); found != ended_.end())
        ports_.ledger.keep(*found, words);
}

core::LastWords Engine::last_words_of(OutageId id) const
{
    const auto known = last_words_.find(id);
    return known == last_words_.end() ? nullptr : known->second;
}

void Engine::forget_last_words(OutageId id)
{
    const auto known = last_words_.extract(id);
    if (!known.empty() && known.mapped()) ports_.journal.erase(key_of_words(id));
}

/// After adoption. What the last engine had asked for and not been told is asked for again, where
/// no successor can have written anything.
void Engine::recover_last_words()
{
    for (const core::Outage& ended : ended_)
        last_words_.try_emplace(ended.id);
    for (const core::Outage* open : open_outages())
        last_words_.try_emplace(open->id);
    for (const auto& [key, record] : ports_.journal.recovered()) {
        if (!key.starts_with(words_prefix)) continue;
        std::uint64_t id = 0;
        std::from_chars(key.data() + words_prefix.size(), key.data() + key.size(), id);
        const auto known = last_words_.find(OutageId{id});
        if (known == last_words_.end())
            ports_.journal.erase(key);
        else
            known->second = decode_last_words(record);
    }
    for (const UnitId unit : host_.start_order())
        for (const auto* fold : {&host_.unit(unit).outage, &host_.unit(unit).degradation})
            if (const core::Outage* open = core::open_outage(*fold)) hear_again(unit, *open);
}

void Engine::hear_again(UnitId unit, const core::Outage& open)
{
    const auto& instances = host_.unit(unit).instances;
    if (!open.instance || last_words_of(open.id) || *open.instance > instances.size()) return;
    if (core::spawn_of(instances[*open.instance - 1U].state)) return;
    hear_for(unit, open);
}

} // namespace keel::engine
