// Brings a file that was written to the disk itself, without making the loop wait for the disk.
//
// Promises: what was written before soon() is on the disk some time later, and the file's place in
// its directory, too; however slow the disk, at most one thread waits for it. It tells nobody when
// that is done, and refuses to know what is in the file.
#pragma once
#include "ports/loop.hpp"

#include <memory>
#include <string>

namespace keel::sys {

class DiskSync {
public:
    DiskSync(ports::Loop& loop, std::string path);
    ~DiskSync();
    DiskSync(const DiskSync&) = delete;
    DiskSync& operator=(const DiskSync&) = delete;

    void soon();

private:
    void begin();

    ports::Loop& loop_;
    std::string path_;
    enum class Work : std::uint8_t { none, under_way, once_more } work_ = Work::none;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace keel::sys
