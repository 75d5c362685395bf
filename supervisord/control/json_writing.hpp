// Writing the members that many JSON documents have. Private to the json_ files of this folder.
#pragma once
#include "base/time.hpp"
#include "control/json_writer.hpp"
#include "core/incident.hpp"
#include "core/views.hpp"
#include "units/problem.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::control {

// Declared together, as the templates below call any of them.
void write(JsonWriter& out, const core::ProbeView& probe);
void write(JsonWriter& out, const core::TriedProbe& tried);
void write(JsonWriter& out, const core::InstanceView& instance);
void write(JsonWriter& out, const core::OperationView& operation);
void write(JsonWriter& out, const core::OperationRecord& record);
void write(JsonWriter& out, const core::ActionTaken& taken);
void write(JsonWriter& out, const core::OutageView& outage);
void write(JsonWriter& out, const core::SpawnRecord& spawn);
void write(JsonWriter& out, const core::Held& held);
void write(JsonWriter& out, const core::DeploymentView& deployment);
void write(JsonWriter& out, const core::UnitView& unit);
void write(JsonWriter& out, const core::EventView& event);
void write(JsonWriter& out, const std::string& sentence);
void write(JsonWriter& out, const units::Problem& problem);

inline void member(JsonWriter& out, std::string_view name, WallTime at)
{
    out.member(name, to_rfc3339(at));
}

inline void member(JsonWriter& out, std::string_view name, const std::optional<WallTime>& at)
{
    at ? member(out, name, *at) : void(out.key(name).null());
}

template <class Id>
void member_id(JsonWriter& out, std::string_view name, const std::optional<Id>& id)
{
    id ? out.member(name, number(*id)) : out.key(name).null();
}

template <class View>
void write_list(JsonWriter& out, std::string_view name, const std::vector<View>& views)
{
    out.key(name).begin_list();
    for (const View& view : views)
        write(out, view);
    out.end_list();
}

template <class View>
void write_member(JsonWriter& out, std::string_view name, const std::optional<View>& view)
{
    out.key(name);
    view ? write(out, *view) : void(out.null());
}

template <class View>
std::string list_document(std::string_view name, const std::vector<View>& views)
{
    JsonWriter out;
    out.begin_object();
    write_list(out, name, views);
    return out.end_object().take();
}

} // namespace keel::control
