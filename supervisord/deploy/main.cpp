// keel-release: one verb of a deployment on the disk, and its exit code.
#include "base/release_id.hpp"
#include "deploy/digest.hpp"
#include "deploy/failed.hpp"
#include "deploy/verbs.hpp"

#include <CLI/CLI.hpp>
#include <clocale>
#include <csignal>
#include <sys/stat.h>

namespace keel::deploy {
namespace {

constexpr int usage = static_cast<int>(ReleaseExit::usage);

struct Options {
    FetchOrder order;
    std::string report;
    bool keeps_replaced = false;
    bool only_formers = false;
    double stall = 30;
    double time_limit = 3600;
};

std::string id_problem(const std::string& id)
{
    return is_release_id(id) ? std::string() : "is not the name of a release";
}

std::string root_problem(const std::string& root)
{
    return root.starts_with('/') ? std::string() : "must be absolute";
}

std::string digest_problem(std::string& hex)
{
    const auto lower = parse_sha256(hex);
    if (!lower) return "must be 64 hexadecimal digits";
    hex = *lower;
    return {};
}

CLI::App* add_verb(CLI::App& app, const char* name, const char* meaning, Options& options)
{
    CLI::App* verb = app.add_subcommand(name, meaning);
    verb->add_option("--root", options.order.root, "Directory of the unit's releases")
        ->required()
        ->check(root_problem);
    verb->add_option("--id", options.order.id, "Name of the release")
        ->required()
        ->check(id_problem);
    verb->add_option("--report", options.report, "File that tells how far it is");
    return verb;
}

void add_fetch(CLI::App& app, Options& options)
{
    CLI::App* verb = add_verb(app, "fetch", "Gets the archive and verifies it", options);
    FetchOrder& order = options.order;
    verb->add_option("--source", order.source, "Directory, archive, or URL of one")->required();
    auto* sha256 = verb->add_option("--sha256", order.sha256, "What its digest must be");
    sha256->transform(CLI::Validator(digest_problem, "HEX"));
    verb->add_option("--checksums", order.checksums, "File or https URL with a list of digests")
        ->excludes(sha256);
    verb->add_option("--ca-file", order.ca_file, "Certificates to trust instead of the host's");
    verb->add_option("--stall", options.stall, "Seconds without a byte after which it has failed")
        ->check(CLI::Range(0.1, 3600.0));
    verb->add_option("--time-limit", options.time_limit, "Seconds for all attempts together")
        ->check(CLI::Range(0.1, 86400.0));
}

std::chrono::milliseconds to_milliseconds(double seconds)
{
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

void carry_out(const CLI::App& app, Options& options, ReportFile& report)
{
    const FetchOrder& order = options.order;
    options.order.stall = to_milliseconds(options.stall);
    options.order.time_limit = to_milliseconds(options.time_limit);
    if (app.got_subcommand("fetch")) fetch(order, report);
    if (app.got_subcommand("unpack"))
        unpack(order.root, order.id, options.keeps_replaced ? Replaced::kept : Replaced::removed,
               report);
    if (app.got_subcommand("point")) point(order.root, order.id, report);
    if (app.got_subcommand("remove")) {
        if (options.only_formers)
            remove_formers(order.root, order.id, report);
        else
            remove(order.root, order.id, report);
    }
}

/// Whoever ordered it has the report alone to see what is wrong with it.
int refuse(const std::string& problem, ReportFile& report)
{
    say(problem);
    report.failed(Fault::host, problem);
    return usage;
}

int run(const CLI::App& app, Options& options)
{
    ReportFile report(options.report);
    report.begin(Step::starting);
    const std::string problem =
        app.got_subcommand("fetch") ? problem_of(options.order) : std::string();
    if (!problem.empty()) return refuse(problem, report);
    try {
        carry_out(app, options, report);
        report.done();
        return static_cast<int>(ReleaseExit::done);
    } catch (const Failed& failed) {
        say(failed.what());
        report.failed(failed.fault(), failed.what());
        return static_cast<int>(exit_of(failed.fault()));
    } catch (const std::exception& error) {
        say(error.what());
        report.failed(Fault::host, error.what());
        return static_cast<int>(ReleaseExit::host);
    }
}

} // namespace
} // namespace keel::deploy

int main(int argc, char** argv)
{
    using namespace keel::deploy;
    // Names in archives are UTF-8, whatever the language of the host; glibc has this one built in.
    (void)std::setlocale(LC_CTYPE, "C.UTF-8");
    ::umask(022);
    (void)std::signal(SIGPIPE, SIG_IGN);
    CLI::App app{"keel-release fetches, unpacks and removes releases for keeld.", "keel-release"};
    app.set_version_flag("--version", "keel-release " KEEL_VERSION);
    app.require_subcommand(1);
    Options options;
    add_fetch(app, options);
    add_verb(app, "unpack", "Unpacks the kept archive", options)
        ->add_flag("--keep-replaced", options.keeps_replaced,
                   "Keeps the tree that was in its place: something may run from it");
    add_verb(app, "point", "Lets ROOT/current lead to the release", options);
    add_verb(app, "remove", "Removes all that there is of it", options)
        ->add_flag("--formers", options.only_formers, "Only the trees that were replaced");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : usage;
    }
    return run(app, options);
}
