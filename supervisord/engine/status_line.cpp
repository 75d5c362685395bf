#include "engine/status_line.hpp"

#include <utility>

namespace keel::engine {

using namespace std::chrono_literals;

namespace {
constexpr Duration pause = 200ms; ///< between two lines
} // namespace

StatusLine::StatusLine(ports::Loop& loop, Engine& engine,
                       std::function<void(std::string_view)> tell)
    : loop_(loop), engine_(engine), tell_(std::move(tell)),
      listener_(engine_.subscribe([this](const core::EventView&) {
          if (!timer_) timer_ = loop_.after(pause, [this] { tell_now(); });
      }))
{}

void StatusLine::tell_now()
{
    timer_.reset();
    const std::string text = engine_.headline();
    if (text != std::exchange(told_, text)) tell_(text);
}

} // namespace keel::engine
