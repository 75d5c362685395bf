// ports::Configurer: from what stands on the disk to an order that the engine can carry out.
//
// Promises: nothing is read, looked up or written on the loop; a configuration with any problem
// never reaches the engine; what does is whole on the disk before anything of it is felt. It
// decides nothing about units.
#pragma once
#include "engine/engine.hpp"
#include "ports/configurer.hpp"
#include "ports/loop.hpp"
#include "sys/generations.hpp"
#include "sys/paths.hpp"

#include <memory>
#include <string>

namespace keel {

class Applying final : public ports::Configurer {
public:
    Applying(ports::Loop& loop, engine::Engine& engine, sys::Paths paths);

    void apply(const ports::ApplySpec& spec, std::function<void(const Answer&)> done) override;
    /// What stands on the disk, for somebody who hears no answer (SIGHUP): it is in the log.
    void apply_for(const std::string& by);

private:
    struct Read; ///< what another thread has found

    static void read(const sys::Paths& paths, const ports::ApplySpec& spec, Read& found);
    void hand_over(const ports::ApplySpec& spec, Read& found,
                   const std::function<void(const Answer&)>& done);

    ports::Loop& loop_;
    engine::Engine& engine_;
    const sys::Paths paths_;
    enum class Reading : std::uint8_t { no, yes } reading_ = Reading::no; ///< one at a time
};

} // namespace keel
