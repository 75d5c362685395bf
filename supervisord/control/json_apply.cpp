// The documents of an apply: what is asked for, what became of it, what is wrong; and what is wrong
// with Keel itself.
#include "control/json_codec.hpp"
#include "control/json_reading.hpp"
#include "control/json_writer.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace keel::control {
namespace {

template <class T, class Read> Result<T> read_as(std::string_view text, Read read)
{
    try {
        const Json json = Json::parse(text);
        if (!json.is_object()) return Error{"not a JSON object", {}, 0};
        return read(json);
    } catch (const Json::exception& wrong) {
        return Error{fmt::format("not what was expected: {}", wrong.what()), {}, 0};
    }
}

std::string text_of(const Json& json, const char* key)
{
    const auto found = json.find(key);
    return found == json.end() || found->is_null() ? "" : found->get<std::string>();
}

std::optional<std::string> unknown_member(const Json& json)
{
    for (const auto& [key, value] : json.items())
        if (key != "keep" && key != "revert" && key != "why")
            return fmt::format("`{}` is not known; there are: keep, revert, why", key);
    return std::nullopt;
}

Result<ApplyRequest> request_from(const Json& json)
{
    if (auto unknown = unknown_member(json)) return Error{std::move(*unknown), {}, 0};
    ApplyRequest request;
    if (json.value("keep", false)) request.if_it_fails = ApplyRequest::IfItFails::stay;
    request.why = text_of(json, "why");
    if (auto wrong = wrong_reason(request.why)) return Error{std::move(*wrong), {}, 0};
    const auto revert = json.find("revert");
    if (revert == json.end() || revert->is_null()) return request;
    if (revert->is_string() && *revert == "former")
        request.revert = std::uint64_t{0};
    else if (revert->is_number_unsigned() && revert->get<std::uint64_t>() > 0)
        request.revert = revert->get<std::uint64_t>();
    else
        return Error{"`revert` is neither \"former\" nor the number of a generation", {}, 0};
    return request;
}

core::ApplyView view_from(const Json& json)
{
    core::ApplyView view;
    const auto outcome = from_name<core::ApplyView::Outcome>(text_of(json, "outcome"));
    view.outcome = outcome.value_or(core::ApplyView::Outcome::reverted);
    if (const auto number = json.find("generation"); number != json.end() && !number->is_null())
        view.generation = number->get<std::uint64_t>();
    view.unit = text_of(json, "unit");
    view.why = text_of(json, "why");
    for (const Json& change : json.at("changes"))
        view.changes.push_back({text_of(change, "unit"), text_of(change, "effect")});
    return view;
}

} // namespace

std::string encode(const ApplyRequest& request)
{
    JsonWriter out;
    out.begin_object().member("keep", request.if_it_fails == ApplyRequest::IfItFails::stay);
    if (request.revert && *request.revert == 0) out.member("revert", "former");
    if (request.revert && *request.revert != 0) out.member("revert", *request.revert);
    if (!request.why.empty()) out.member("why", request.why);
    return out.end_object().take();
}

Result<ApplyRequest> decode_apply(std::string_view json)
{
    if (json.find_first_not_of(" \t\r\n") == std::string_view::npos) return ApplyRequest{};
    return read_as<ApplyRequest>(json, request_from);
}

std::string encode(const core::ApplyView& view)
{
    JsonWriter out;
    out.begin_object()
        .member("outcome", name(view.outcome))
        .member("generation", view.generation)
        .member_if_any("unit", view.unit)
        .member_if_any("why", view.why)
        .key("changes")
        .begin_list();
    for (const auto& change : view.changes)
        out.begin_object().member("unit", change.unit).member("effect", change.effect).end_object();
    return out.end_list().end_object().take();
}

Result<core::ApplyView> decode_apply_view(std::string_view json)
{
    return read_as<core::ApplyView>(json, view_from);
}

Result<std::vector<units::Problem>> decode_check_problems(std::string_view json)
{
    using Problems = std::vector<units::Problem>;
    return read_as<Problems>(json, [](const Json& document) {
        Problems problems;
        if (!document.contains("problems")) return problems;
        for (const Json& one : document.at("problems"))
            problems.push_back({text_of(one, "file"), one.value("line", 0U),
                                one.value("column", 0U), text_of(one, "key"),
                                text_of(one, "message"), text_of(one, "hint")});
        return problems;
    });
}

Result<std::vector<std::string>> decode_alarms(std::string_view json)
{
    using Alarms = std::vector<std::string>;
    return read_as<Alarms>(json, [](const Json& all) { return all.value("alarms", Alarms{}); });
}

} // namespace keel::control
