// The name of this host, as people and peers know it.
#pragma once
#include <string>
#include <unistd.h>

namespace keel {

/// Of Linux's 64 bytes at most.
inline std::string host_name()
{
    char name[65] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

} // namespace keel
