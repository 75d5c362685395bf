// One document laid over another: how drop-ins and defaults come together with a unit file.
//
// Later keys win, key by key: tables are merged entry by entry, `environment` too; every other
// value, lists included, is replaced whole. [[probe]] is a list of named things: a probe of the
// same name is changed key by key, any other one is added. A probe in the lower document that has
// no name goes by the name that it would get (`tcp`, `http-2`); in the upper one it is a new probe.
// A target given in the upper one replaces the probe's target, with the keys that belong to it.
#pragma once
#include "units/document.hpp"

#include <cstdint>

namespace keel::units {

/// Changes `base`. Values that are of no use are taken along: the reader complains about them.
void lay_over(Table& base, Table&& over);

/// Sets Position::source of everything in the table.
void mark_source(Table& table, std::uint32_t source);

} // namespace keel::units
