// docs/openapi.yaml against the server: every route is documented, with its arguments, and every
// documented path answers.
#include "control/routes.hpp"
#include "tests/integration/control/running_server.hpp"
#include "tests/support/golden.hpp"

#include <gmock/gmock.h>
#include <map>
#include <set>
#include <sstream>

namespace keel {
namespace {

using Operation = std::pair<std::string, std::string>; ///< method and path
using Operations = std::map<Operation, std::set<std::string>>;

std::string trimmed(const std::string& line)
{
    const auto begin = line.find_first_not_of(' ');
    return begin == std::string::npos ? "" : line.substr(begin);
}

/// Operations and their query arguments. Relies on the document's indentation: two blanks before a
/// path, four before a method.
Operations documented()
{
    static const std::map<std::string, std::string> methods{
        {"get:", "GET"}, {"post:", "POST"}, {"delete:", "DELETE"}};
    Operations operations;
    std::istringstream lines(test::read_source_file("docs/openapi.yaml"));
    Operation current;
    std::string argument;
    for (std::string line; std::getline(lines, line) && line != "components:";) {
        const std::string text = trimmed(line);
        const auto indent = line.size() - text.size();
        if (indent == 2 && text.starts_with("/")) current = {"", text.substr(0, text.size() - 1)};
        if (const auto method = methods.find(text); indent == 4 && method != methods.end()) {
            current.first = method->second;
            operations[current];
        }
        if (text.starts_with("- name: ")) argument = text.substr(8);
        if (text == "in: query") operations[current].insert(argument);
        if (text.find("parameters/wait") != std::string::npos) operations[current].insert("wait");
    }
    return operations;
}

TEST(OpenApi, DocumentsEveryRouteWithItsArgumentsAndNothingElse)
{
    Operations served;
    for (const control::RouteSpec& spec : control::routes())
        served[{std::string(spec.method), std::string(spec.pattern)}] = {spec.arguments.begin(),
                                                                         spec.arguments.end()};
    EXPECT_EQ(documented(), served);
}

/// What may stand for `{name}` in that path.
std::string name_for(const std::string& path, const test::RunningServer& server)
{
    if (path.starts_with("/v1/operations/") || path.starts_with("/v1/outages/")) return "7";
    if (path.starts_with("/web/")) return "dashboard.css";
    if (!path.starts_with("/enter/")) return "worker";
    const auto link = control::decode_link(server.call("POST", "/v1/web/links").body);
    return link.ok() ? link->url.substr(link->url.rfind('/') + 1) : "no link";
}

std::string body_for(const std::string& path)
{
    const bool deploys = path.find("/deploy") != std::string::npos;
    return deploys ? R"({"why":"a test","release":"v2"})" : R"({"why":"a test"})";
}

TEST(OpenApi, DocumentsPathsThatAnswer)
{
    test::RunningServer server;
    server.on_loop([&] {
        server.engine.put(test::unit_up("worker"));
        server.engine.releases_of["worker"] = {};
        server.engine.tried = {{"worker", {"tcp", core::Verdict::pass, {}, {}, "connected"}}};
        server.engine.incident.outage.emplace().record.id = OutageId{7};
        server.engine.operation_list = {{OperationId{7}, "worker", {}, {}, {}, {}, {}, {}, {}, {}}};
    });
    for (const auto& [operation, arguments] : documented()) {
        auto [method, path] = operation;
        if (const auto name = path.find("{name}"); name != std::string::npos)
            path.replace(name, 6, name_for(path, server));
        if (arguments.contains("follow")) path += "?follow=0";
        if (arguments.contains("wait")) path += "?wait=0";
        const auto answer = server.call(method, path, method == "POST" ? body_for(path) : "");
        EXPECT_TRUE(answer.status == 200 || answer.status == 202)
            << method << " " << path << ": " << answer.status << " " << answer.body;
    }
}

} // namespace
} // namespace keel
