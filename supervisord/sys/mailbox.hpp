// Calls from Keel's own threads to the loop: put in by any thread, run in order by the loop's.
//
// Promises: a call is never run from inside post() nor after the mailbox is gone; post() never
// waits for the loop. What a call holds may be destroyed by the posting thread if the mailbox is
// gone already, so it must not be anything of the loop's.
#pragma once
#include "ports/loop.hpp"

#include <functional>
#include <memory>

namespace keel::sys {

class Mailbox {
public:
    /// Throws std::system_error if no descriptor can be had.
    explicit Mailbox(ports::Loop& loop);
    ~Mailbox();
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    /// The threads' end: copied to them, and harmless once the mailbox is gone.
    class Sender {
    public:
        void post(std::function<void()> call) const;

    private:
        friend class Mailbox;
        struct Shared;
        explicit Sender(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
        std::shared_ptr<Shared> shared_;
    };
    [[nodiscard]] Sender sender() const { return Sender(shared_); }

private:
    void run_all();

    std::shared_ptr<Sender::Shared> shared_;
    ports::Loop::Registration wake_;
};

} // namespace keel::sys
