// Starting a thread of Keel's own: it has a name and takes no signals.
//
// A signal sent to the process must reach the loop's thread, where it is expected; a helper thread
// that took it would at best be interrupted and at worst run a handler twice at once.
#pragma once
#include "base/result.hpp"

#include <csignal>
#include <pthread.h>
#include <system_error>
#include <thread>
#include <utility>

namespace keel {

/// `thread_name`: at most 15 bytes, as `ps -L` shows it. Fails with the errno of pthread_create.
template <class Body> Result<std::thread> start_thread(const char* thread_name, Body body)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread thread(std::move(body));
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        pthread_setname_np(thread.native_handle(), thread_name);
        return thread;
    } catch (const std::system_error& refused) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return Error{"start thread", thread_name, refused.code().value()};
    }
}

} // namespace keel
