#include "sys/mailbox.hpp"

#include "base/owned_fd.hpp"

#include <cstdint>
#include <mutex>
#include <sys/eventfd.h>
#include <system_error>
#include <vector>

namespace keel::sys {

struct Mailbox::Sender::Shared {
    std::mutex mutex;
    std::vector<std::function<void()>> calls;
    bool closed = false;
    OwnedFd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

void Mailbox::Sender::post(std::function<void()> call) const
{
    const std::lock_guard lock(shared_->mutex);
    if (shared_->closed) return;
    shared_->calls.push_back(std::move(call));
    const std::uint64_t one = 1;
    if (shared_->calls.size() == 1) (void)!::write(shared_->wake.get(), &one, sizeof one);
}

Mailbox::Mailbox(ports::Loop& loop) : shared_(std::make_shared<Sender::Shared>())
{
    if (!shared_->wake) throw std::system_error(errno, std::generic_category(), "eventfd");
    wake_ = loop.watch_fd(shared_->wake.get(), ports::Interest::readable,
                          [this](ports::FdEvents) { run_all(); });
}

Mailbox::~Mailbox()
{
    wake_.reset();
    std::vector<std::function<void()>> dropped; // destroyed after the lock is released
    const std::lock_guard lock(shared_->mutex);
    shared_->closed = true;
    dropped.swap(shared_->calls);
}

void Mailbox::run_all()
{
    std::vector<std::function<void()>> calls;
    {
        const std::lock_guard lock(shared_->mutex);
        std::uint64_t count = 0;
        (void)!::read(shared_->wake.get(), &count, sizeof count);
        calls.swap(shared_->calls);
    }
    // A call may end the mailbox itself; those after it are then run all the same, as they had
    // been taken out already. Nothing of this object is touched from here on.
    for (auto& call : calls)
        call();
}

} // namespace keel::sys
