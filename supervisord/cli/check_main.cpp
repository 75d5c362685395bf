// keel-check ROOT json|people [PATH…]: the rest of `keel check`, which has read the command line.
#include "cli/commands.hpp"

#include <cstring>
#include <exception>

int main(int count, char** words)
{
    using namespace keel::cli;
    if (count < 3) {
        complain("this program is a part of `keel check`");
        return static_cast<int>(Exit::usage);
    }
    Context context;
    context.root = words[1];
    context.format = std::strcmp(words[2], "json") == 0 ? Format::json : Format::people;
    context.screen = screen_of_stdout();
    try {
        return static_cast<int>(check(context, {{words + 3, words + count}}));
    } catch (const std::exception& failure) {
        complain(failure.what());
        return static_cast<int>(Exit::failed);
    }
}
