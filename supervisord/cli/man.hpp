// Manual pages, rendered from the texts that stand elsewhere already: the table of commands, and
// the references of unit files and keel.toml, which are Markdown.
//
// Of Markdown it knows what these use: headings, paragraphs, lists, tables, blocks of code, and
// `code`, **bold** and [links](to) in a line. It is a part of the build, not of keel.
#pragma once
#include <string>
#include <string_view>

namespace keel::cli {

struct ManHead {
    std::string_view name; ///< `keel.toml`
    int section = 1;
    std::string_view summary; ///< one line, without a full stop
};

/// `.TH` and NAME.
std::string man_head(const ManHead& head);
std::string man_section(std::string_view title);

/// Text in a line, with its `code` and **bold**.
std::string man_inline(std::string_view text);

/// Markdown without its title, or with it, which is left out. Tables become lists: what stands in
/// the first column is what an entry is about.
std::string man_body(std::string_view markdown);

/// Paragraphs between empty lines; indented lines stand as they are.
std::string man_text(std::string_view paragraphs);

/// The page without marks of a paragraph where a heading stands before it, which is one already.
std::string man_page(std::string_view parts);

// ---- the pages ----------------------------------------------------------------------------------

std::string keel_page();      ///< keel(1)
std::string keeld_page();     ///< keeld(8)
std::string keel_toml_page(); ///< keel.toml(5)
std::string keel_unit_page(); ///< keel-unit(5)

} // namespace keel::cli
