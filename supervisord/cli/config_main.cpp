// keel-config check|plan|schema ROOT json|people [PATH…]: the commands that know the unit-file
// language. `keel` has read the command line.
#include "cli/commands.hpp"

#include <cstring>
#include <exception>

int main(int count, char** words)
{
    using namespace keel::cli;
    if (count < 4) {
        complain("this program is a part of `keel`");
        return static_cast<int>(Exit::usage);
    }
    Context context;
    context.root = words[2];
    context.format = std::strcmp(words[3], "json") == 0 ? Format::json : Format::people;
    context.screen = screen_of_stdout();
    try {
        if (std::strcmp(words[1], "plan") == 0) return static_cast<int>(plan(context));
        if (std::strcmp(words[1], "schema") == 0)
            return static_cast<int>(
                schema(count > 4 ? SchemaOf::daemon_file : SchemaOf::unit_files));
        return static_cast<int>(check(context, {{words + 4, words + count}}));
    } catch (const std::exception& failure) {
        complain(failure.what());
        return static_cast<int>(Exit::failed);
    }
}
