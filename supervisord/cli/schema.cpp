// keel schema: the language of unit files, or of keel.toml, as JSON Schema 2020-12, for editors and
// for whoever writes unit files by machine. Rendered from the table that the loader reads by.
//
// Whatever `keel check` accepts, the schema accepts. It refuses less: what concerns several keys or
// units, what regular expressions cannot say, and what depends on the host.
#include "cli/commands.hpp"
#include "control/json_writer.hpp"
#include "units/overloaded.hpp"
#include "units/show.hpp"
#include "units/validate.hpp"

#include <fmt/format.h>

namespace keel::cli {
namespace {

using control::JsonWriter;
using namespace units;

constexpr std::string_view duration_pattern =
    R"(^(?=.)([0-9]+(\.[0-9]+)?d)?([0-9]+(\.[0-9]+)?h)?([0-9]+(\.[0-9]+)?m)?)"
    R"(([0-9]+(\.[0-9]+)?s)?([0-9]+(\.[0-9]+)?ms)?$)";
constexpr std::string_view name_pattern = "[a-z0-9][a-z0-9_-]{0,63}";
constexpr std::string_view size_pattern = R"(^(0|[0-9]+(\.[0-9]+)?([KMGT]iB|[kKMGT]?B))$)";
constexpr std::string_view signal_pattern =
    R"(^(SIG)?([A-Z][A-Z0-9]*|RTMIN(\+[0-9]+)?|RTMAX(-[0-9]+)?)$)";

/// Writes one language as one document.
class SchemaWriter {
public:
    explicit SchemaWriter(const Language& language) : language_(&language) {}

    std::string document(std::string_view title)
    {
        out_.begin_object()
            .member("$schema", "https://json-schema.org/draft/2020-12/schema")
            .member("title", title);
        object_body("");
        return out_.end_object().take();
    }

private:
    /// What belongs into the schema of a table: its keys, those that it needs, and no others.
    void object_body(std::string_view parent)
    {
        out_.member("type", "object").member("additionalProperties", false);
        out_.key("properties").begin_object();
        for (const Key& key : language_->keys) {
            if (parent_of(key.path) != parent || std::holds_alternative<Later>(key.kind)) continue;
            out_.key(last_name(key.path)).begin_object().member("description", key.meaning);
            write(key);
            out_.end_object();
        }
        out_.end_object();
        required(parent);
        if (parent == "probe[].") one_target();
    }

    void required(std::string_view parent)
    {
        // Below [defaults] nothing is required.
        if (language_ == &defaults_language()) return;
        out_.key("required").begin_list();
        for (const Key& key : language_->keys)
            if (key.presence == Presence::required && parent_of(key.path) == parent)
                out_.value(last_name(key.path));
        out_.end_list();
    }

    void one_target()
    {
        out_.key("dependentRequired").begin_object();
        for (const Key& key : language_->keys)
            if (parent_of(key.path) == "probe[]." && !key.only_with.empty())
                out_.key(last_name(key.path)).begin_list().value(key.only_with).end_list();
        out_.end_object();
        if (language_ == &defaults_language()) return;
        out_.key("oneOf").begin_list();
        for (const std::string_view target : probe_targets)
            out_.begin_object().key("required").begin_list().value(target).end_list().end_object();
        out_.end_list();
    }

    void write(const Key& key)
    {
        std::visit(
            Overloaded{[&](const Boolean&) { type("boolean"); },
                       [&](const Integer& k) { type("integer"), range(k.min, k.max); },
                       [&](const Number& k) { type("number"), range(k.min, k.max); },
                       [&](const Span&) { pattern(duration_pattern); },
                       [&](const Size&) { pattern(size_pattern); },
                       [&](const Percent&) { pattern("^[0-9]+%$"); },
                       [&](const Text& k) { type("string").member("maxLength", k.length_max); },
                       [&](const Command& k) { command(k); },
                       [&](const TextMap& k) { text_map(k); },
                       [&](const Choice& k) { words(k.words); },
                       [&](const Readiness& k) {
                           pattern(fmt::format("^({}|log:.+|fd:[0-9]+)$", fmt::join(k.words, "|")));
                       },
                       [&](const Rungs& k) { rungs(k); },
                       [&](const Choices& k) { choices(k); },
                       [&](const SignalName&) { pattern(signal_pattern); },
                       [&](const Texts& k) { texts(k); },
                       [&](const FileMode&) { pattern("^[0-7]+$"); },
                       [&](const Processors&) {
                           list_of({"integer", "string"});
                       },
                       [&](const Limit&) {
                           types({"integer", "string"});
                       },
                       [&](const ExitMatches&) {
                           list_of({"integer", "string"});
                       },
                       [&](const StatusRanges&) {
                           list_of({"integer", "string"});
                       },
                       [&](const Section&) { object_body(std::string(key.path) + "."); },
                       [&](const Sections& k) { sections(key, k); },
                       [&](const NamedSections& k) { named_sections(key, k); },
                       [&](const UnitKeys&) { unit_keys(); },
                       [](const Later&) {}},
            key.kind);
    }

    JsonWriter& type(std::string_view name) { return out_.member("type", name); }

    void types(std::initializer_list<std::string_view> names)
    {
        out_.key("type").begin_list();
        for (const std::string_view name : names)
            out_.value(name);
        out_.end_list();
    }

    template <class T> void range(T min, T max)
    {
        out_.member("minimum", min).member("maximum", max);
    }

    void pattern(std::string_view expression) { type("string").member("pattern", expression); }

    void list_of(std::initializer_list<std::string_view> names)
    {
        type("array").key("items").begin_object();
        types(names);
        out_.end_object();
    }

    void words(std::span<const std::string_view> known)
    {
        out_.key("enum").begin_list();
        for (const std::string_view word : known)
            out_.value(word);
        out_.end_list();
    }

    void rungs(const Rungs& kind)
    {
        type("array").member("minItems", 2).member("uniqueItems", true);
        out_.key("items").begin_object();
        pattern(fmt::format("^({}|run:{})$", fmt::join(kind.words, "|"), name_pattern));
        out_.end_object();
    }

    void choices(const Choices& kind)
    {
        out_.key("anyOf").begin_list().begin_object();
        words(kind.words);
        out_.end_object().begin_object();
        type("array").member("uniqueItems", true).key("items").begin_object();
        words(kind.words);
        out_.end_object().end_object().end_list();
    }

    void command(const Command& kind)
    {
        out_.key("anyOf").begin_list().begin_object();
        type("string").member("minLength", 1).end_object().begin_object();
        type("array").member("minItems", 1).member("maxItems", kind.words_max);
        out_.key("items").begin_object();
        type("string").end_object().end_object().end_list();
    }

    void text_map(const TextMap& kind)
    {
        type("object").member("maxProperties", kind.entries_max);
        out_.key("additionalProperties").begin_object();
        type("string").end_object();
    }

    void texts(const Texts& kind)
    {
        type("array").member("maxItems", kind.texts_max).member("uniqueItems", true);
        out_.key("items").begin_object();
        type("string").end_object();
    }

    void sections(const Key& key, const Sections& kind)
    {
        type("array").member("maxItems", kind.sections_max).key("items").begin_object();
        object_body(std::string(key.path) + "[].");
        out_.end_object();
    }

    void named_sections(const Key& key, const NamedSections& kind)
    {
        type("object").member("maxProperties", kind.sections_max);
        out_.key("propertyNames").begin_object();
        out_.member("pattern", fmt::format("^{}$", name_pattern)).end_object();
        out_.key("additionalProperties").begin_object();
        object_body(std::string(key.path) + ".NAME.");
        out_.end_object();
    }

    void unit_keys()
    {
        const Language* const outer = std::exchange(language_, &defaults_language());
        object_body("");
        language_ = outer;
    }

    const Language* language_;
    JsonWriter out_;
};

} // namespace

Exit schema(SchemaOf what)
{
    const bool of_units = what == SchemaOf::unit_files;
    SchemaWriter writer(of_units ? unit_language() : daemon_language());
    print(writer.document(of_units ? "Keel unit file" : "keel.toml") + "\n");
    return Exit::done;
}

} // namespace keel::cli
