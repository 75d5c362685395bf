#include "sys/twofold_journal.hpp"

#include <utility>

namespace keel::sys {
namespace {

/// Stands in the near file once that has all of the far one's records. No key of anybody's.
constexpr std::string_view whole = "\x01whole";

} // namespace

TwofoldJournal::TwofoldJournal(FileStateJournal::Options near, FileStateJournal::Options far)
    : near_(std::move(near)), far_(std::move(far))
{
    if (near_.recovered().contains(std::string(whole))) {
        recovered_ = near_.recovered();
        recovered_.erase(std::string(whole));
        // The disk may not have what came last.
        for (const auto& [key, record] : far_.recovered())
            if (!recovered_.contains(key)) far_.erase(key);
        for (const auto& [key, record] : recovered_) {
            const auto known = far_.recovered().find(key);
            if (known == far_.recovered().end() || known->second != record) far_.put(key, record);
        }
        return;
    }
    recovered_ = far_.recovered();
    for (const auto& [key, record] : near_.recovered())
        if (!recovered_.contains(key)) near_.erase(key);
    for (const auto& [key, record] : recovered_)
        near_.put(key, record);
    near_.put(whole, "yes");
}

void TwofoldJournal::put(std::string_view key, std::string_view record)
{
    near_.put(key, record);
    far_.put(key, record);
}

void TwofoldJournal::erase(std::string_view key)
{
    near_.erase(key);
    far_.erase(key);
}

} // namespace keel::sys
