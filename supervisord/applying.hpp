// ports::Configurer: from what stands on the disk to an order that the engine can carry out.
//
// Promises: nothing is read, looked up or written on the loop; a configuration with any problem
// never reaches the engine; what does is whole on the disk before anything of it is felt. Who asks
// what has changed waits for the disk, but not long. It decides nothing about units.
#pragma once
#include "engine/engine.hpp"
#include "ports/configurer.hpp"
#include "ports/loop.hpp"
#include "ports/notifier.hpp"
#include "sys/disk_changes.hpp"
#include "sys/generations.hpp"
#include "sys/paths.hpp"
#include "units/resources.hpp"

#include <memory>
#include <string>
#include <vector>

namespace keel {

class Applying final : public ports::Configurer {
public:
    /// `control_groups`: those that units' limits can be set in, at the time of asking.
    Applying(ports::Loop& loop, engine::Engine& engine, ports::Notifier& notifier, sys::Paths paths,
             std::function<units::ControlGroups()> control_groups);

    void apply(const ports::ApplySpec& spec, std::function<void(const Answer&)> done) override;
    void look_for_changes(std::function<void(const ChangedUnits&)> done) override;
    /// What stands on the disk, for somebody who hears no answer (SIGHUP): it is in the log.
    void apply_for(const std::string& by);

private:
    struct Read; ///< what another thread has found

    static void read(const sys::Paths& paths, const units::ControlGroups& control_groups,
                     const ports::ApplySpec& spec, Read& found);
    void hand_over(const ports::ApplySpec& spec, Read& found,
                   const std::function<void(const Answer&)>& done);

    ports::Loop& loop_;
    engine::Engine& engine_;
    ports::Notifier& notifier_;
    const sys::Paths paths_;
    const std::function<units::ControlGroups()> control_groups_;
    /// Several who ask at once get one answer.
    struct Look {
        std::vector<std::function<void(const ChangedUnits&)>> waiting;
        ports::Loop::Registration patience;
        bool is_under_way = false;
    };
    void end_look();

    std::shared_ptr<sys::DiskChanges> disk_; ///< the other thread's while a look is under way
    ChangedUnits changed_;                   ///< as last seen
    Look look_;
    enum class Reading : std::uint8_t { no, yes } reading_ = Reading::no; ///< one at a time
};

} // namespace keel
