#include "engine/hook_codec.hpp"

namespace keel::engine {

using namespace state_json;
using core::HookResult;
using core::HookRun;
using core::RungHook;

namespace {

SpawnId spawn(const json& j) { return SpawnId{j.get<std::uint64_t>()}; }

} // namespace

json put_hook(const std::optional<HookRun>& hook)
{
    if (!hook) return nullptr;
    return {number(hook->spawn),     put_name(hook->hook),     put(hook->began), put(hook->due),
            put_number(hook->stage), put_number(hook->result), hook->what};
}

std::optional<HookRun> get_hook(const json& j)
{
    if (j.is_null()) return std::nullopt;
    return HookRun{spawn(j.at(0)),
                   get_name<units::Hook>(j.at(1)),
                   mono(j.at(2)),
                   mono(j.at(3)),
                   get_number(j.at(4), HookRun::Stage::ending),
                   get_number(j.at(5), HookResult::unseen),
                   j.at(6)};
}

json put_rung_hook(const std::optional<RungHook>& hook)
{
    if (!hook) return nullptr;
    return {number(hook->spawn),
            hook->name,
            hook->why,
            hook->rung,
            put(hook->began),
            put(hook->due),
            put_number(hook->stage),
            put_number(hook->result),
            hook->what};
}

std::optional<RungHook> get_rung_hook(const json& j)
{
    if (j.is_null()) return std::nullopt;
    return RungHook{spawn(j.at(0)),
                    j.at(1),
                    j.at(2),
                    j.at(3),
                    mono(j.at(4)),
                    mono(j.at(5)),
                    get_number(j.at(6), RungHook::Stage::ending),
                    get_number(j.at(7), HookResult::unseen),
                    j.at(8)};
}

} // namespace keel::engine
