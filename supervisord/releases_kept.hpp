// ports::ReleaseStore: a journal on the disk that a thread writes, roots as they are on the disk,
// and what helpers report. Wiring of sys and deploy, which do not know each other.
#pragma once
#include "ports/loop.hpp"
#include "ports/release_store.hpp"
#include "sys/late_journal.hpp"
#include "sys/paths.hpp"
#include "sys/root_look.hpp"

#include <memory>

namespace keel {

class ReleasesKept final : public ports::ReleaseStore {
public:
    ReleasesKept(ports::Loop& loop, const sys::Paths& paths);

    [[nodiscard]] const std::map<std::string, std::string>& recovered() const override
    {
        return journal_.recovered();
    }
    void put(std::string_view unit, std::string_view record) override
    {
        journal_.put(unit, record);
    }
    void erase(std::string_view unit) override { journal_.erase(unit); }
    void when_kept(std::function<void()> done) override;
    [[nodiscard]] std::optional<Found> look(const std::string& root) override
    {
        return look_.at(root);
    }
    [[nodiscard]] std::string report_of(const std::string& unit) const override;
    [[nodiscard]] std::optional<ports::DeployProgress>
    progress_of(const std::string& unit) const override;
    void forget_report(const std::string& unit) override;

private:
    void end_here_if_told();

    ports::Loop& loop_;
    std::filesystem::path reports_;
    sys::LateJournal journal_;
    sys::RootLook look_;
    unsigned records_ = 0; ///< that were on the disk when somebody waited for that
};

} // namespace keel
