// A temporary directory with files in it.
#pragma once
#include "tests/support/temp_dir.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <string>

namespace keel::test {

class Folder {
public:
    [[nodiscard]] std::string path() const { return directory_.path(); }
    [[nodiscard]] std::string operator/(const std::string& name) const { return directory_ / name; }

    /// The text with `/srv` for this folder, which has another name each time.
    [[nodiscard]] std::string without_path(std::string text) const
    {
        for (auto at = text.find(path()); at != std::string::npos; at = text.find(path()))
            text.replace(at, path().size(), "/srv");
        return text;
    }

    /// Writes a file and returns its path.
    std::string write(const std::string& name, const std::string& text) const
    {
        std::string path = directory_ / name;
        std::ofstream file(path, std::ios::binary);
        file << text;
        file.close();
        if (!file) ADD_FAILURE() << "cannot write " << path;
        return path;
    }

private:
    TempDir directory_;
};

} // namespace keel::test
