# cmake -DFILES=… -DOUT=assets.cpp -P embed.cmake: each file as an array of bytes, and a table.
set(arrays "")
set(rows "")
set(index 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "constexpr unsigned char file_${index}[] = {${bytes}0};\n")
  string(APPEND rows "    row(\"${name}\", file_${index}, sizeof file_${index} - 1),\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUT} "// Made by supervisord/web/embed.cmake.
#include \"web/assets.hpp\"

#include <array>

namespace keel::web {
namespace {

${arrays}
Asset row(std::string_view name, const unsigned char* bytes, std::size_t length)
{
    return {name, {reinterpret_cast<const char*>(bytes), length}};
}

} // namespace

const Asset* find_asset(std::string_view name)
{
    static const std::array table = {
${rows}    };
    for (const Asset& asset : table)
        if (asset.name == name) return &asset;
    return nullptr;
}

} // namespace keel::web
")
