// The thread that compresses rotated log files, one after the other, with little priority.
//
// It exists so that neither the loop nor the thread that moves output waits for it: a flooding
// unit's files may be deleted before their turn comes, and are passed over then. A file that cannot
// be packed stays as it is and is told once; the next engine or the next rule change tries again.
#pragma once
#include "sys/log_names.hpp"

#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace keel::sys {

class LogPacker {
public:
    /// `tell` is called from the thread, with the name given to pack().
    using Tell = std::function<void(const std::string& name, const std::string& text)>;
    explicit LogPacker(Tell tell);
    /// Breaks off what it is at: the file stays as it is.
    ~LogPacker();
    LogPacker(const LogPacker&) = delete;
    LogPacker& operator=(const LogPacker&) = delete;

    /// From any one thread. The thread of its own begins with the first file.
    void pack(const std::string& name, const LogNames& names, std::uint64_t sequence);

private:
    struct Shared;
    std::shared_ptr<Shared> shared_; ///< with the thread, which a hanging disk may keep
    std::thread thread_;
};

} // namespace keel::sys
