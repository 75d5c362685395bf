// Golden files: text that is compared with a file of the tree and rewritten on request.
//
//     expect_golden("tests/golden/metrics.md", rendered);
//
// fails with the first line that differs; with UPDATE_GOLDEN=1 in the environment it writes the
// file instead and passes. Paths are relative to the top of the source tree.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sstream>
#include <string>

namespace keel::test {

/// A file of the source tree, whole. A missing one fails the test and reads as empty.
inline std::string read_source_file(const std::string& relative_path)
{
    std::ifstream file(std::filesystem::path(KEEL_SOURCE_DIR) / relative_path, std::ios::binary);
    if (!file) ADD_FAILURE() << "cannot read " << relative_path;
    return {std::istreambuf_iterator<char>(file), {}};
}

namespace golden {

inline bool wanted_anew()
{
    const char* const wish = std::getenv("UPDATE_GOLDEN");
    return wish != nullptr && std::string(wish) == "1";
}

inline void write(const std::string& relative_path, const std::string& text)
{
    const auto path = std::filesystem::path(KEEL_SOURCE_DIR) / relative_path;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) ADD_FAILURE() << "cannot write " << relative_path;
}

/// `line 3 is "x", was "y"` for the first line in which the two differ.
inline std::string first_difference(const std::string& actual, const std::string& expected)
{
    std::istringstream now(actual);
    std::istringstream then(expected);
    for (int line = 1;; ++line) {
        std::string is = "(nothing)";
        std::string was = "(nothing)";
        const bool more = static_cast<bool>(std::getline(now, is));
        const bool had_more = static_cast<bool>(std::getline(then, was));
        if (more && had_more && is == was) continue;
        if (!more && !had_more) return "only the end of the last line differs";
        std::ostringstream text;
        text << "line " << line << " is\n  " << is << "\nand was\n  " << was;
        return text.str();
    }
}

} // namespace golden

inline void expect_golden(const std::string& relative_path, const std::string& actual)
{
    if (golden::wanted_anew()) return golden::write(relative_path, actual);
    const std::string expected = read_source_file(relative_path);
    if (actual == expected) return;
    ADD_FAILURE() << relative_path
                  << " is out of date: " << golden::first_difference(actual, expected)
                  << "\nUPDATE_GOLDEN=1 rewrites it; read the diff before you commit it.";
}

} // namespace keel::test
