#include "units/small_file.hpp"

#include "base/owned_fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::units {
namespace {

Mistake because(const char* what)
{
    return {std::string(what) + ": " + ::strerrordesc_np(errno),
            "its folder and its mode must let keeld read it"};
}

} // namespace

std::variant<std::string, Mistake> read_small_file(const std::string& path, std::size_t size_max)
{
    const OwnedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file) return because("cannot be opened");
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return because("cannot be read");
    if (!S_ISREG(status.st_mode)) return Mistake{"is not a regular file", "move it elsewhere"};

    std::string text;
    std::array<char, 16'384> buffer;
    while (text.size() <= size_max) {
        const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return because("cannot be read");
        if (count == 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    text.resize(std::min(text.size(), size_max + 1));
    return text;
}

} // namespace keel::units
