// keel_man FOLDER: writes the manual pages there. The build runs it.
#include "cli/man.hpp"

#include <cstdio>
#include <fstream>

int main(int count, char** words)
{
    using namespace keel::cli;
    if (count != 2) return 2;
    for (const auto& [name, page] :
         {std::pair{"keel.1", keel_page()}, std::pair{"keeld.8", keeld_page()},
          std::pair{"keel.toml.5", keel_toml_page()}, std::pair{"keel-unit.5", keel_unit_page()}}) {
        std::ofstream file(std::string(words[1]) + "/" + name, std::ios::binary);
        file << page;
        if (file.close(); !file) {
            std::perror(name);
            return 1;
        }
    }
    return 0;
}
