// What the keeper remembers: its children until their ends are acknowledged, and held descriptors.
//
// Static tables of fixed size: nothing is allocated, and pages that were never used cost nothing.
// What is searched stands in columns of its own, since searches are linear: 10,000 pids are 40 KB.
#pragma once
#include "keeper/wire.hpp"

#include <algorithm>
#include <memory>
#include <unistd.h>

namespace keel::keeper {

inline constexpr int table_size = 16384;

/// The first of `used` rows that holds `wanted`, or -1.
template <class Value> int find_row(const Value* column, int used, Value wanted)
{
    const Value* found = std::find(column, column + used, wanted);
    return found == column + used ? -1 : static_cast<int>(found - column);
}

struct Children {
    /// Nothing until a child comes: records that began as records would be 2 MB other than zero.
    union Told {
        constexpr Told() : nothing(0) {}
        char nothing;
        wire::Record record;
    };
    std::uint64_t spawn[table_size]; ///< 0: free row
    std::int32_t pid[table_size];    ///< 0: it has ended, or free row
    Told told[table_size];           ///< what the engine is told: `child`, later `exited`
    bool news[table_size];           ///< this engine has not heard it yet
    int used = 0;                    ///< rows from here on were never in use

    /// False: no room.
    bool add(const wire::Record& hello)
    {
        int row = find_row(spawn, used, std::uint64_t{0});
        if (row < 0 && used == table_size) return false;
        if (row < 0) row = used++;
        spawn[row] = hello.id;
        pid[row] = hello.pid;
        std::construct_at(&told[row].record, hello)->kind = wire::Kind::child;
        return true;
    }

    /// `status` is as waitpid(2) gives it.
    void end(int row, int status)
    {
        pid[row] = 0;
        told[row].record.kind = wire::Kind::exited;
        told[row].record.value = status;
        news[row] = true;
    }

    /// One that was told, so it is no news either.
    void forget_end(std::uint64_t wanted)
    {
        const int row = find_row(spawn, used, wanted);
        if (row >= 0 && pid[row] == 0 && !news[row]) spawn[row] = 0;
    }

    /// Another engine, which has heard nothing.
    void tell_all_again()
    {
        for (int row = 0; row < used; ++row)
            news[row] = spawn[row] != 0;
    }
};

/// The row of a descriptor is its number.
struct Held {
    std::uint64_t key[table_size]; ///< 0: not held
    int used = 0;

    /// Takes the descriptor over. False: no room, and it is closed.
    bool hold(std::uint64_t new_key, int fd)
    {
        drop(new_key);
        if (fd >= table_size) return close(fd), false;
        key[fd] = new_key;
        used = std::max(used, fd + 1);
        return true;
    }

    /// -1: nothing is held under this key.
    int find(std::uint64_t wanted) const { return find_row(key, used, wanted); }

    void drop(std::uint64_t old_key)
    {
        const int fd = find_row(key, used, old_key);
        if (fd < 0) return;
        close(fd);
        key[fd] = 0;
    }
};

} // namespace keel::keeper
