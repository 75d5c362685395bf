// ports::ReleaseStore in memory: what was put outlives the engine, and the disk as far as it was
// asked for; what helpers report is for a test to say.
#pragma once
#include "ports/release_store.hpp"
#include "tests/sim/fake_loop.hpp"

#include <utility>
#include <vector>

namespace keel::sim {

class FakeReleaseStore final : public ports::ReleaseStore {
public:
    FakeReleaseStore(FakeLoop& loop, Fuse& fuse) : loop_(loop), fuse_(fuse) {}

    [[nodiscard]] const std::map<std::string, std::string>& recovered() const override
    {
        return recovered_;
    }
    void put(std::string_view unit, std::string_view record) override
    {
        fuse_.burn();
        put_.insert_or_assign(std::string(unit), std::string(record));
        fuse_.burn();
    }
    void erase(std::string_view unit) override { put_.erase(std::string(unit)); }
    void when_kept(std::function<void()> done) override
    {
        fuse_.burn();
        loop_.defer([this, done = std::move(done)] {
            disk_ = put_;
            done();
        });
        fuse_.burn();
    }
    [[nodiscard]] std::optional<Found> look(const std::string&) override
    {
        return root_answers ? std::optional(on_disk) : std::nullopt;
    }
    [[nodiscard]] std::string report_of(const std::string& unit) const override { return unit; }
    [[nodiscard]] std::optional<ports::DeployProgress>
    progress_of(const std::string&) const override
    {
        return progress;
    }
    void forget_report(const std::string&) override { progress.reset(); }

    // ---- the world's side
    Found on_disk;
    bool root_answers = true;
    std::optional<ports::DeployProgress> progress;
    /// The next engine opens it; a boot leaves what was on the disk.
    enum class After : std::uint8_t { engine, boot };
    void reopen(After after)
    {
        if (after == After::boot) put_ = disk_;
        recovered_ = put_;
    }

private:
    FakeLoop& loop_;
    Fuse& fuse_;
    std::map<std::string, std::string> put_;
    std::map<std::string, std::string> disk_;
    std::map<std::string, std::string> recovered_;
};

} // namespace keel::sim
