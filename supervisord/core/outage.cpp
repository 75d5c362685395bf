#include "core/outage.hpp"

#include "base/ensure.hpp"

#include <algorithm>
#include <utility>

namespace keel::core {

using Standing = OutageInputs::Standing;

OutageCause outage_cause_of(StartCause cause)
{
    switch (cause) {
    case StartCause::wanted: return OutageCause::start;
    case StartCause::operator_restart:
    case StartCause::deploy: return OutageCause::operation;
    case StartCause::exit: return OutageCause::exit;
    case StartCause::signal: return OutageCause::signal;
    case StartCause::start_timeout: return OutageCause::start_timeout;
    case StartCause::liveness: return OutageCause::liveness;
    case StartCause::unready: return OutageCause::readiness;
    case StartCause::spawn: return OutageCause::spawn;
    case StartCause::bound:
    case StartCause::companion: return OutageCause::dependency;
    case StartCause::watchdog: return OutageCause::watchdog;
    case StartCause::oom: return OutageCause::oom;
    case StartCause::lost: break;
    }
    return OutageCause::lost;
}

Duration length_of(const Outage& outage, MonoTime now)
{
    const MonoTime end = outage.closed ? outage.closed->mono : now;
    return std::max(Duration{0}, end - outage.opened.mono);
}

namespace {

Outage open(const OutageLimits& limits, const OutageInputs& in)
{
    Outage record;
    record.id = in.next_id;
    record.unit = limits.unit;
    record.kind = limits.kind;
    record.planned = in.sign.planned;
    record.opened = in.sign.since.value_or(in.now);
    if (in.sign.since) record.begin = Outage::Begin::unseen;
    record.cause = in.sign.cause;
    record.cause_text = in.sign.text;
    record.detected_by = in.sign.detected_by;
    record.caused_by = in.sign.caused_by;
    record.detection = in.sign.detection;
    record.instance = in.sign.instance;
    return record;
}

Outage close(const OutageLimits& limits, OutageFold& fold, Outage record, Now at)
{
    record.closed = at;
    if (record.kind == OutageKind::outage && length_of(record, at.mono) < limits.grace)
        record.kind = OutageKind::blip;
    fold = {};
    return record;
}

} // namespace

namespace {

/// Whether the unit has been ready for long enough. Nobody may have looked at that very moment.
void close_if_settled(const OutageLimits& limits, OutageFold& fold, Now now, OutageNews& news)
{
    const auto* settling = std::get_if<SettlingOutage>(&fold.state);
    if (settling == nullptr || now.mono - settling->ready_since.mono < limits.settle) return;
    news.closed = close(limits, fold, settling->record, settling->ready_since);
}

void count_if_certain(const OutageLimits& limits, OutageFold& fold, Now now, OutageNews& news)
{
    const auto* down = std::get_if<OpenOutage>(&fold.state);
    if (down == nullptr || fold.counted == OutageFold::Counted::yes) return;
    if (length_of(down->record, now.mono) < limits.grace) return;
    fold.counted = OutageFold::Counted::yes;
    news.counted = down->record;
}

void relapse(const OutageLimits& limits, OutageFold& fold, const OutageInputs& in, OutageNews& news)
{
    const auto settling = std::get<SettlingOutage>(fold.state);
    // What comes after a planned outage and was not planned is not hidden in its record.
    const bool hides = settling.record.planned == Outage::Planned::yes &&
                       in.sign.planned == Outage::Planned::no && in.standing == Standing::short_of;
    if (!hides) {
        fold.state = OpenOutage{settling.record};
        return;
    }
    news.closed = close(limits, fold, settling.record, settling.ready_since);
    news.opened = open(limits, in);
    fold.state = OpenOutage{*news.opened};
}

void move(const OutageLimits& limits, OutageFold& fold, const OutageInputs& in, OutageNews& news)
{
    if (std::holds_alternative<NoOutage>(fold.state)) {
        if (in.standing != Standing::short_of) return;
        news.opened = open(limits, in);
        fold.state = OpenOutage{*news.opened};
    } else if (const auto* down = std::get_if<OpenOutage>(&fold.state)) {
        if (in.standing == Standing::exempt)
            news.closed = close(limits, fold, down->record, in.now);
        else if (in.standing == Standing::enough)
            fold.state = SettlingOutage{down->record, in.now};
    } else if (in.standing == Standing::exempt) {
        const auto settling = std::get<SettlingOutage>(fold.state);
        news.closed = close(limits, fold, settling.record, settling.ready_since);
    } else if (in.standing != Standing::enough) {
        relapse(limits, fold, in, news);
    }
}

} // namespace

OutageNews fold(const OutageLimits& limits, OutageFold& fold, const OutageInputs& in)
{
    OutageNews news;
    // First what time alone has brought about, then what has changed, then what follows at once.
    close_if_settled(limits, fold, in.now, news);
    count_if_certain(limits, fold, in.now, news);
    move(limits, fold, in, news);
    close_if_settled(limits, fold, in.now, news);
    count_if_certain(limits, fold, in.now, news);
    return news;
}

const Outage* open_outage(const OutageFold& fold)
{
    if (const auto* down = std::get_if<OpenOutage>(&fold.state)) return &down->record;
    if (const auto* settling = std::get_if<SettlingOutage>(&fold.state)) return &settling->record;
    return nullptr;
}

Duration length_of(const OutageFold& fold, MonoTime now)
{
    if (const auto* settling = std::get_if<SettlingOutage>(&fold.state))
        return length_of(settling->record, settling->ready_since.mono);
    const Outage* record = open_outage(fold);
    return record == nullptr ? Duration{0} : length_of(*record, now);
}

Outage* open_outage(OutageFold& fold)
{
    return const_cast<Outage*>(open_outage(std::as_const(fold)));
}

std::optional<MonoTime> deadline_of(const OutageLimits& limits, const OutageFold& fold)
{
    if (const auto* down = std::get_if<OpenOutage>(&fold.state)) {
        if (fold.counted == OutageFold::Counted::yes) return std::nullopt;
        return down->record.opened.mono + limits.grace;
    }
    if (const auto* settling = std::get_if<SettlingOutage>(&fold.state))
        return settling->ready_since.mono + limits.settle;
    return std::nullopt;
}

void note_action(OutageFold& fold, ActionTaken action)
{
    if (Outage* record = open_outage(fold); record && record->actions.size() < outage_actions_max)
        record->actions.push_back(std::move(action));
}

} // namespace keel::core
