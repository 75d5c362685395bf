// What became of requests, told as it becomes known: in words, or as one JSON document at the end,
// and by the exit code, which the first thing decides that went wrong.
#pragma once
#include "cli/context.hpp"
#include "cli/target.hpp"
#include "core/unit.hpp"

#include <string>

namespace keel::cli {

class Outcomes {
public:
    Outcomes(const Context& context, core::Verb verb) : context_(context), verb_(verb) {}

    void tell(const Target& target, const control::Reply<control::OperationReport>& outcome);
    /// That was all.
    Exit end();

private:
    void tell_report(const Target& target, const control::OperationReport& report);
    void tell_trouble(const Target& target, const control::Trouble& trouble);
    void add_json(const std::string& report);
    void note(Exit exit);

    const Context& context_;
    core::Verb verb_;
    Exit exit_ = Exit::done;
    std::string json_;
};

} // namespace keel::cli
