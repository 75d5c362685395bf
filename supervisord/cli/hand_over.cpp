#include "cli/hand_over.hpp"

#include "base/result.hpp"

#include <array>
#include <unistd.h>

namespace keel::cli {
namespace {

std::string own_folder()
{
    std::array<char, 4096> path{};
    const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
    if (length <= 0) return "/usr/bin";
    const std::string program(path.data(), static_cast<std::size_t>(length));
    return program.substr(0, program.rfind('/'));
}

} // namespace

Exit hand_over(const std::string& name, const std::vector<std::string>& arguments)
{
    std::vector<std::string> words = {"keel-" + name};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);

    const std::string folder = own_folder();
    const std::string beside = folder + "/" + words.front();
    const std::string libexec = folder + "/../libexec/keel/" + words.front();
    ::execv(beside.c_str(), argv.data());
    if (errno == ENOENT) ::execv(libexec.c_str(), argv.data());
    complain(Error::from_errno("run", beside).text(), "it belongs to the same package as keel");
    return Exit::failed;
}

} // namespace keel::cli
