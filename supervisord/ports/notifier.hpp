// Telling people of what happens, far from the loop: what a step brought to pass goes in, whom it
// is told and how is the notifier's business.
#pragma once
#include "core/host.hpp"

#include <span>

namespace keel::ports {

class Notifier {
public:
    virtual ~Notifier() = default;

    /// What a step brought to pass; `host` is as it is after it. Called before the step is
    /// journaled: should the engine die in between, the next one may tell the same once more,
    /// under the same id, but nothing goes untold. Never blocks.
    virtual void heed(const core::Host& host, std::span<const core::HostNote> notes) = 0;
};

} // namespace keel::ports
