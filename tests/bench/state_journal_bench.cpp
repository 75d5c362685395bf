// What a change of state costs the loop while the journal is full of last words: 200 records of
// 16 KiB that stay, and the records of 500 units that change one after the other. Each put is
// timed, the rewriting of the whole file among them.
#include "sys/clock.hpp"
#include "sys/state_journal.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <vector>

int main()
{
    using namespace keel;
    constexpr int words_kept = 200, units = 500, rounds = 100'000;
    constexpr std::size_t words_bytes = 16 << 10, unit_bytes = 1500;
    std::string folder = "/dev/shm/keel-journal-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) return 1;
    std::vector<double> micros;
    std::size_t largest = 0;
    {
        sys::FileStateJournal journal({folder + "/state", "boot", [](const Error&) {}});
        for (int i = 0; i < words_kept; ++i)
            journal.put(fmt::format("words/{:020}", i), std::string(words_bytes, 'w'));
        std::string record(unit_bytes, 'u');
        for (int i = 0; i < rounds; ++i) {
            record.replace(0, 8, fmt::format("{:08}", i)); // What says the same is not written.
            const auto began = sys::read_clocks().mono;
            journal.put(fmt::format("unit/{}", i % units), record);
            const Duration took = sys::read_clocks().mono - began;
            micros.push_back(std::chrono::duration<double, std::micro>(took).count());
            largest = std::max(largest, journal.size());
        }
    }
    std::filesystem::remove_all(folder);
    std::ranges::sort(micros);
    fmt::print("{} puts beside {} x {} KiB of last words: {:.1f} us median, {:.0f} at 99.9 %, "
               "{:.2f} ms the longest, file at most {:.1f} MB\n",
               rounds, words_kept, words_bytes >> 10, micros[micros.size() / 2],
               micros[micros.size() / 1000 * 999], micros.back() / 1000,
               static_cast<double>(largest) / 1e6);
}
