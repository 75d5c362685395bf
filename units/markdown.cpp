#include "units/markdown.hpp"

#include "units/placeholders.hpp"
#include "units/schema.hpp"
#include "units/show.hpp"

#include <fmt/format.h>

namespace keel::units {
namespace {

constexpr std::string_view introduction =
    R"(# Unit files

<!-- Generated from units/schema.cpp. Do not edit: UPDATE_GOLDEN=1 and units_test rewrite it. -->

A unit is one TOML file, `NAME.toml`; NAME is made of lower-case letters, digits, `-` and `_`, at
most 64, the first no `-` or `_`. One line is a complete unit:

```toml
command = "redis-server /etc/redis/backbone.conf"
```

Units of /etc/keel/units hide those of the same name that packages ship in /usr/lib/keel/units. A
unit's **drop-ins**, `NAME.toml.d/*.toml` in either folder, are laid over it in the order of their
names: later keys win, key by key. Tables (`environment` too) are merged entry by entry, lists are
replaced whole. A `[[probe]]` of the same name is changed key by key, one of another name or without
a name is added; a probe that was given no name goes by its default one, `tcp` or `http-2`. A new
target replaces the old one and the keys that belong to it.

Everything else has a default. An unknown key, a wrong type or a value out of range is a problem
with `file:line:column`, and all problems are told at once.

- **Durations** are strings with units, from the longest to the shortest: `"250ms"`, `"1.5s"`,
  `"2m"`, `"1h30m"`, `"7d"`. **Sizes** likewise: `"64KiB"`, `"50MiB"`, `"10MB"`. Bare numbers are
  refused.
- **Commands** are a list of words, or one string that is split by POSIX word rules. There is no
  shell: nothing is expanded, piped or redirected.
- **Signals** are names, with or without SIG: `"TERM"`, `"SIGINT"`, `"RTMIN+3"`.
- **Takes effect** tells when a change that has been applied is felt: *live*, at once; *next start*,
  when an instance starts the next time; *restart*, by restarting the instances.
)";

constexpr std::string_view daemon_introduction =
    R"(# keel.toml

<!-- Generated from units/daemon_schema.cpp. Do not edit: UPDATE_GOLDEN=1 and units_test rewrite it.
-->

`/etc/keel/keel.toml` says how keeld itself works, and what holds for every unit. Everything has a
default, and the file may be missing. It is read with the units when keeld starts; `keel apply` puts
in force what it says of units, hooks and channels, and the rest is felt at the next start. What
keeld's command line says has the last word.

A mistake in it never keeps keeld from coming up: the configuration before, if there is one, stays
in force, and else the key has its default. keeld says so in its log, and `keel check` tells every
mistake with its place.

```toml
[control]
operators_group = "keel"

[defaults]
user = "panel"

[defaults.environment]
TZ = "UTC"
```

Under `[defaults]` stands whatever a [unit file](unit-file.md) may say. It is laid under every unit
as a drop-in is laid over one: the unit file has the last word, key by key; a `[[defaults.probe]]`
belongs to every unit, and `[defaults.deploy]` holds for those that have a `[deploy]` of their own.
)";

constexpr std::string_view placeholder_introduction = R"(
## Placeholders

Values of the keys marked with { } below may contain placeholders, which are filled in for each
instance. A brace itself is written `{{` or `}}`.

| placeholder | stands for |
|---|---|
)";

/// Text inside a table cell: a bar would end it.
std::string cell(std::string_view text)
{
    std::string escaped;
    for (const char c : text) {
        if (c == '|') escaped += '\\';
        escaped += c;
    }
    return escaped;
}

bool has_placeholders(const Kind& kind)
{
    if (const auto* text = std::get_if<Text>(&kind)) return text->braces == Braces::placeholders;
    return std::holds_alternative<Command>(kind) || std::holds_alternative<TextMap>(kind);
}

/// Defaults that are values are code; those told in words are not.
std::string default_cell(const Key& key)
{
    if (!key.default_text.empty()) return cell(key.default_text);
    return fmt::format("`{}`", cell(default_text(key)));
}

/// Which columns a table of keys has.
enum class Effect : std::uint8_t { told, of_no_interest };

std::string row(const Key& key, Effect effect)
{
    std::string type = type_text(key.kind);
    if (has_placeholders(key.kind)) type += " { }";
    if (const std::string range = range_text(key.kind); !range.empty()) type += ", " + range;
    std::string meaning(key.meaning);
    if (!key.only_with.empty()) meaning += fmt::format(" (only with `{}`)", key.only_with);
    const std::string takes_effect =
        effect == Effect::told ? fmt::format(" {} |", name(key.takes_effect)) : "";
    return fmt::format("| `{}` | {} | {} | {} |{} {} |\n", last_name(key.path), cell(type),
                       default_cell(key), cell(meaning), takes_effect, key.since);
}

bool is_section(const Key& key)
{
    return !takes_value(key.kind) && !std::holds_alternative<Later>(key.kind);
}

bool is_later(const Key& key) { return std::holds_alternative<Later>(key.kind); }

/// The rows directly below `parent`, but for sections and what is not supported yet.
std::string key_table(const Language& language, std::string_view parent, Effect effect)
{
    std::string text =
        effect == Effect::told
            ? "\n| key | type | default | meaning | takes effect | since |\n"
              "|---|---|---|---|---|---|\n"
            : "\n| key | type | default | meaning | since |\n|---|---|---|---|---|\n";
    for (const Key& key : language.keys)
        if (parent_of(key.path) == parent && !is_section(key) && !is_later(key))
            text += row(key, effect);
    return text;
}

std::string section(const Language& language, const Key& key, Effect effect)
{
    const bool is_list = std::holds_alternative<Sections>(key.kind);
    const bool is_named = std::holds_alternative<NamedSections>(key.kind);
    const std::string heading = is_list    ? fmt::format("`[[{}]]`", key.path)
                                : is_named ? fmt::format("`[{}.NAME]`", key.path)
                                           : fmt::format("`[{}]`", key.path);
    const std::string count = is_list || is_named ? "; " + range_text(key.kind) : "";
    std::string text = fmt::format("\n## {}\n\n{}{}.\n", heading, key.meaning, count);
    if (std::holds_alternative<UnitKeys>(key.kind)) return text;
    const std::string_view below = is_list ? "[]." : is_named ? ".NAME." : ".";
    return text + key_table(language, fmt::format("{}{}", key.path, below), effect);
}

std::string later_keys(const Language& language)
{
    std::string text = "\n## Not supported yet\n\nThese keys belong to the language, but this "
                       "version of Keel refuses them.\n\n| key | meaning |\n|---|---|\n";
    for (const Key& key : language.keys)
        if (is_later(key)) text += fmt::format("| `{}` | {} |\n", key.path, cell(key.meaning));
    return text;
}

} // namespace

std::string unit_file_markdown()
{
    std::string text(introduction);
    text += placeholder_introduction;
    for (const Placeholder& placeholder : placeholders())
        text += fmt::format("| `{{{}}}` | {} |\n", placeholder.name, placeholder.meaning);
    text += "\n## Top of the file\n" + key_table(unit_language(), "", Effect::told);
    for (const Key& key : schema())
        if (is_section(key)) text += section(unit_language(), key, Effect::told);
    return text + later_keys(unit_language());
}

std::string daemon_file_markdown()
{
    std::string text(daemon_introduction);
    for (const Key& key : daemon_language().keys)
        if (is_section(key)) text += section(daemon_language(), key, Effect::of_no_interest);
    return text + later_keys(daemon_language());
}

} // namespace keel::units
