// One file by HTTP or HTTPS, in as many attempts as it takes: for a process that does nothing else.
//
// Resumes what an earlier attempt or an earlier process has left, if the server can tell that it is
// still the same file (ETag or Last-Modified with If-Range); begins anew otherwise. Tried again
// are: names that cannot be looked up, refused and reset connections, time-outs, a transfer that
// stalls or ends early, and the answers 408, 429 and 5xx. Follows redirects_max redirects, never
// from https to http. No proxy, no cookies, no compression. It writes to the descriptors that it is
// given only.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace keel::deploy {

struct Download {
    std::string url;
    std::string ca_bundle; ///< PEM; empty: the host's
    int file = -1;         ///< where it goes; what is in it already is there to be resumed
    int resume = -1;       ///< where the server's word on the version is kept; -1: never resumes
    std::string mark;      ///< what a kept word must begin with: the source, and this boot
    std::uint64_t bytes_max = 0;
    std::chrono::milliseconds stall{};
    std::chrono::milliseconds time_limit{};
    /// Both 0 if nothing is known.
    std::function<void(std::uint64_t bytes, std::uint64_t total)> progress;
};

/// Throws Failed.
void download(const Download& what);

} // namespace keel::deploy
