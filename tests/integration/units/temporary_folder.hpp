// A folder for one test, gone with all that is in it when the test ends.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

namespace keel::tests {

class TemporaryFolder {
public:
    TemporaryFolder()
    {
        std::string pattern = std::filesystem::temp_directory_path() / "keel-units-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << pattern;
        path_ = pattern;
    }
    ~TemporaryFolder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] std::string path() const { return path_; }
    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ / name; }

    /// Writes a file and returns its path.
    std::string write(const std::string& name, const std::string& text) const
    {
        std::ofstream file(path_ / name, std::ios::binary);
        file << text;
        file.close();
        if (!file) ADD_FAILURE() << "cannot write " << name;
        return path_ / name;
    }

private:
    std::filesystem::path path_;
};

} // namespace keel::tests
