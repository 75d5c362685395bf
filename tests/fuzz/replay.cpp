// Runs a fuzz target once on each file named on the command line, and on each file of each folder
// named there: a corpus is a regression test, also where libFuzzer is not at hand.
//
// Each input's name is printed before it runs, so that a crash names its input. A folder that does
// not exist is an empty corpus; the empty input is always tried.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    std::printf("%s (%zu bytes)\n", path.c_str(), bytes.size());
    (void)std::fflush(stdout);
    (void)LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

} // namespace

int main(int count, char** arguments)
{
    (void)LLVMFuzzerTestOneInput(nullptr, 0);
    for (const std::string& argument : std::vector<std::string>(arguments + 1, arguments + count)) {
        if (std::filesystem::is_regular_file(argument)) run(argument);
        if (!std::filesystem::is_directory(argument)) continue;
        for (const auto& entry : std::filesystem::directory_iterator(argument))
            run(entry.path());
    }
}
