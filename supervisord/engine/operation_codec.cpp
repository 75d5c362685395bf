// The state journal's records of operations: those of a unit at work, and those on the books.
#include "engine/operation_codec.hpp"

#include "engine/state_codec.hpp"

#include <algorithm>

namespace keel::engine {

using namespace state_json;
using core::Operation;
using core::OperationRecord;

namespace {

/// A slot that the unit does not have is no target of anything.
void keep_known_slots(std::vector<Slot>& slots, std::size_t count)
{
    std::erase_if(slots, [&](Slot slot) { return slot < 1 || slot > count; });
}

} // namespace

json put_operation(const std::optional<Operation>& o)
{
    if (!o) return nullptr;
    return {{"id", number(o->id)},    {"verb", put_name(o->verb)}, {"by", o->by},
            {"since", put(o->since)}, {"began", put(o->began)},    {"targets", o->targets},
            {"waiting", o->waiting},  {"failure", o->failure}};
}

std::optional<Operation> get_operation(const json& j, std::size_t slots)
{
    if (j.is_null()) return std::nullopt;
    Operation o;
    o.id = OperationId{j.at("id").get<std::uint64_t>()};
    o.verb = get_name<core::Verb>(j.at("verb"));
    o.by = j.at("by");
    o.since = wall(j.at("since"));
    o.began = mono(j.at("began"));
    j.at("targets").get_to(o.targets);
    j.at("waiting").get_to(o.waiting);
    o.failure = j.at("failure");
    keep_known_slots(o.targets, slots);
    keep_known_slots(o.waiting, slots);
    return o;
}

namespace {

KeyedOperation get_keyed(const json& j)
{
    KeyedOperation keyed;
    OperationRecord& r = keyed.record;
    r.id = OperationId{j.at("id").get<std::uint64_t>()};
    r.unit = j.at("unit");
    r.verb = get_name<core::Verb>(j.at("verb"));
    r.by = j.at("by");
    r.why = j.at("why");
    r.since = wall(j.at("since"));
    r.text = j.at("text");
    keyed.key = j.at("key");
    if (j.contains("release")) keyed.deploy = {j.at("release"), j.value("source", "")};
    if (j.contains("slot")) r.slot = j.at("slot").get<Slot>();
    if (j.contains("outcome"))
        r.outcome = get_name<core::OperationResult::Outcome>(j.at("outcome"));
    if (j.contains("ended")) r.ended = wall(j.at("ended"));
    return keyed;
}

} // namespace

std::string encode(const KeyedOperation& keyed)
{
    const OperationRecord& r = keyed.record;
    json j = {{"id", number(r.id)}, {"unit", r.unit},  {"verb", put_name(r.verb)},
              {"by", r.by},         {"why", r.why},    {"since", put(r.since)},
              {"text", r.text},     {"key", keyed.key}};
    const bool has_terms = core::is_deployment(r.verb) || r.verb == core::Verb::undeny;
    if (has_terms && keyed.deploy) j["release"] = keyed.deploy->release;
    if (has_terms && keyed.deploy && !keyed.deploy->source.empty())
        j["source"] = keyed.deploy->source;
    if (r.slot) j["slot"] = *r.slot;
    if (r.outcome) j["outcome"] = put_name(*r.outcome);
    if (r.ended) j["ended"] = put(*r.ended);
    return text(j);
}

std::optional<KeyedOperation> decode_operation(std::string_view record)
{
    try {
        return get_keyed(json::parse(record));
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

} // namespace keel::engine
