// ports::ReadyPipes: a FIFO per spawn at RUN/ready/NUMBER, whose end to read from is held by the
// keeper as well.
//
// A name, so that the next engine finds it again, and what is in it, by looking; nobody else has to
// open it. Held, so that what was written is not lost where no engine reads and the process has
// shut its end. Reading is bounded: so much per turn and pipe.
#pragma once
#include "base/owned_fd.hpp"
#include "ports/loop.hpp"
#include "ports/ready_pipes.hpp"
#include "sys/pipe_peek.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>

namespace keel::sys {

struct ReadyPipeOptions {
    std::filesystem::path dir;
    /// The keeper's keeping (keeper_client.hpp).
    std::function<void(std::uint64_t key, int fd)> hold;
    std::function<void(std::uint64_t key)> drop;
};

class ReadyPipes final : public ports::ReadyPipes {
public:
    ReadyPipes(ports::Loop& loop, ReadyPipeOptions options);
    ~ReadyPipes() override;
    ReadyPipes(const ReadyPipes&) = delete;
    ReadyPipes& operator=(const ReadyPipes&) = delete;

    void set_handlers(Handlers handlers) override { handlers_ = std::move(handlers); }
    [[nodiscard]] Result<int> open(SpawnId id) override;
    void begun(SpawnId id) override;
    void take_over(const std::vector<SpawnId>& living) override;
    void hear(SpawnId id) override;
    void close(SpawnId id) override;

private:
    struct Pipe {
        OwnedFd reader;
        OwnedFd writer; ///< until the process has its own
        bool newline_seen = false;
        ports::Loop::Registration watch; ///< none once nobody can write any more
    };

    [[nodiscard]] std::filesystem::path path_of(SpawnId id) const;
    void watch(SpawnId id);
    void read(SpawnId id);
    void remove(SpawnId id) const;

    ports::Loop& loop_;
    const ReadyPipeOptions options_;
    Handlers handlers_;
    PipePeek peek_;
    std::map<SpawnId, Pipe> pipes_;
    std::shared_ptr<const bool> alive_; ///< deferred calls hold it weakly
};

} // namespace keel::sys
