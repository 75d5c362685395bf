// What the keeper remembers: its children until their ends are acknowledged, and held descriptors.
//
// Static tables of fixed size: nothing is allocated, and pages that were never used cost nothing.
// One array per field keeps the searches, which are linear, within a few cache lines: 10,000 pids
// are 40 KB. Rows stay where they are until they are forgotten, so a row number is a safe cursor.
#pragma once
#include <cstdint>
#include <unistd.h>

namespace keel::keeper {

inline constexpr int table_size = 16384;

/// The first of `used` rows that holds `wanted`, or -1.
inline int find_row(const std::uint64_t* column, int used, std::uint64_t wanted)
{
    for (int row = 0; row < used; ++row)
        if (column[row] == wanted) return row;
    return -1;
}

/// A free row, or -1 if the table is full.
inline int free_row(const std::uint64_t* column, int& used)
{
    const int row = find_row(column, used, 0);
    return row >= 0 || used == table_size ? row : used++;
}

struct Children {
    std::uint64_t spawn[table_size]; ///< 0: free row
    std::int32_t pid[table_size];
    std::uint64_t start_ticks[table_size];
    std::uint64_t order[table_size]; ///< of its end among all ends, from 1; 0: it lives
    std::int32_t status[table_size]; ///< as waitpid(2) gives it
    char name[table_size][72];       ///< the instance, zero-terminated
    int used = 0;                    ///< rows from here on were never in use

    bool lives(int row) const { return spawn[row] != 0 && order[row] == 0; }

    int find_living(std::int32_t wanted) const
    {
        for (int row = 0; row < used; ++row)
            if (pid[row] == wanted && lives(row)) return row;
        return -1;
    }

    /// The end that comes next after `after`, or -1.
    int next_end(std::uint64_t after) const
    {
        int best = -1;
        for (int row = 0; row < used; ++row)
            if (spawn[row] != 0 && order[row] > after && (best < 0 || order[row] < order[best]))
                best = row;
        return best;
    }

    void forget_end(std::uint64_t wanted)
    {
        const int row = find_row(spawn, used, wanted);
        if (row >= 0 && order[row] != 0) spawn[row] = 0;
    }
};

struct Held {
    std::uint64_t key[table_size]; ///< 0: free row
    int fd[table_size];
    int used = 0;

    /// Takes the descriptor over. False: no room, and it is closed.
    bool hold(std::uint64_t new_key, int new_fd)
    {
        drop(new_key);
        const int row = free_row(key, used);
        if (row < 0) return close(new_fd), false;
        key[row] = new_key;
        fd[row] = new_fd;
        return true;
    }

    void drop(std::uint64_t old_key)
    {
        const int row = find_row(key, used, old_key);
        if (row < 0) return;
        close(fd[row]);
        key[row] = 0;
    }
};

} // namespace keel::keeper
