// keel deploy, rollback: ask for another release, show how far it is, tell what became of it.
#include "base/text.hpp"
#include "cli/asking.hpp"
#include "cli/commands.hpp"
#include "cli/deploy_progress.hpp"
#include "cli/event_stream.hpp"
#include "cli/live_line.hpp"
#include "cli/outcomes.hpp"

#include <array>
#include <csignal>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

namespace keel::cli {
namespace {

using control::Call;
using control::Deadline;
using control::OperationReport;
using control::Reply;
using control::Trouble;
using control::trouble_of;
using std::chrono::steady_clock;

const Duration answer_patience = std::chrono::seconds(10);
constexpr int look_at_least_every = 1000; // milliseconds, for poll()
/// However much happens, the daemon is asked no more often than this.
constexpr int pause_between_looks = 50; // milliseconds, for poll()

// ---- Ctrl-C -------------------------------------------------------------------------------------

std::string parting_words; ///< what the handler has to say; a handler can be told nothing else

void on_interrupt(int signal)
{
    (void)!::write(STDERR_FILENO, parting_words.data(), parting_words.size());
    struct sigaction usual {};
    usual.sa_handler = SIG_DFL;
    ::sigaction(signal, &usual, nullptr);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
    ::raise(signal); // The shell is to see how it ended.
}

/// While it lives, whoever interrupts the client is told that the deployment goes on.
class PartingWords {
public:
    PartingWords(const std::string& unit, core::Verb verb, OperationId operation)
    {
        parting_words = fmt::format("\nkeel: {0}: the {1} goes on\n"
                                    "      `keel cancel {2}` ends and undoes it; `keel status {0}` "
                                    "shows how far it is\n",
                                    unit, name(verb), number(operation));
        struct sigaction action {};
        action.sa_handler = on_interrupt;
        ::sigaction(SIGINT, &action, &before_);
    }
    ~PartingWords() { ::sigaction(SIGINT, &before_, nullptr); }
    PartingWords(const PartingWords&) = delete;
    PartingWords& operator=(const PartingWords&) = delete;

private:
    struct sigaction before_ {};
};

// ---- waiting for it -----------------------------------------------------------------------------

MonoTime mono_now() { return MonoTime(steady_clock::now().time_since_epoch()); }

int milliseconds_until(const Deadline& deadline, int at_most)
{
    if (!deadline) return at_most;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, at_most));
}

/// Shows how far an operation is until its answer comes.
class Following {
public:
    Following(const Context& context, std::string unit, OperationId operation)
        : context_(context), unit_(std::move(unit)),
          stream_(context.socket_path, "unit=" + control::url_encoded(unit_)),
          progress_(operation, context.screen.colour),
          line_(can_draw(context.screen) ? LiveLine::On::terminal : LiveLine::On::file)
    {}

    /// The outcome, also from an engine that came after the one that was asked.
    Reply<OperationReport> outcome(const Call::Spec& spec, Deadline deadline)
    {
        seen_ = steady_clock::now();
        for (;;) {
            auto call = Call::begin(context_.socket_path, spec);
            if (auto* begun = std::get_if<Call>(&call)) watch(*begun, deadline);
            auto outcome = outcome_of(call, deadline);
            if (broke_off(outcome) && steady_clock::now() - seen_ < reconnect_patience) {
                ::poll(nullptr, 0, reconnect_pause);
                continue;
            }
            const auto* report = std::get_if<OperationReport>(&outcome);
            if (report != nullptr && report->outcome == core::OperationResult::Outcome::done)
                show(progress_.finish(mono_now()));
            line_.clear();
            return outcome;
        }
    }

private:
    /// Until there is an answer, or no time left to wait for one.
    void watch(const Call& call, Deadline deadline)
    {
        std::array<pollfd, 2> fds{{{call.descriptor(), POLLIN, 0}, {-1, POLLIN, 0}}};
        while (!deadline || steady_clock::now() < *deadline) {
            // Without events it is looked at every second all the same.
            if (!stream_.descriptor()) (void)stream_.open(control::deadline_in(answer_patience));
            look();
            fds[1].fd = stream_.descriptor().value_or(-1);
            ::poll(fds.data(), fds.size(), milliseconds_until(deadline, look_at_least_every));
            if (fds[0].revents != 0) return;
            if (fds[1].revents == 0) continue;
            hear();
            ::poll(fds.data(), 1, milliseconds_until(deadline, pause_between_looks));
            if (fds[0].revents != 0) return;
        }
    }

    void hear()
    {
        const auto events = stream_.take();
        if (trouble_of(events) != nullptr) return;
        for (const auto& event : std::get<std::vector<control::SseEvent>>(events)) {
            if (event.event != "deploy") continue;
            if (auto view = control::decode_event(event.data)) progress_.hear(view->text);
        }
    }

    void look()
    {
        if (context_.as_json()) return;
        const auto body =
            control::get(context_.socket_path, "/v1/units/" + control::url_encoded(unit_),
                         control::deadline_in(answer_patience));
        if (trouble_of(body) != nullptr) return; // Its answer will tell, or the next look.
        seen_ = steady_clock::now();
        const auto unit = control::decode_unit(std::get<std::string>(body));
        if (unit) show(progress_.see(*unit, mono_now()));
    }

    void show(const std::vector<std::string>& lines)
    {
        if (!context_.as_json()) line_.show(lines, progress_.present(mono_now()));
    }

    const Context& context_;
    std::string unit_;
    EventStream stream_;
    DeployProgress progress_;
    LiveLine line_;
    steady_clock::time_point seen_;
};

// ---- what it would do ---------------------------------------------------------------------------

Exit tell_outline(const Context& context, const DeployOptions& options, const std::string& json)
{
    const auto outline = control::decode_outline(json);
    if (!outline) return give_up({Trouble::Kind::garbled, outline.error().text(), {}});
    if (context.as_json()) print(json + "\n");
    const Exit exit = outline->objection.empty() ? Exit::done : Exit::failed;
    if (context.as_json()) return exit;
    if (!outline->objection.empty()) {
        complain(fmt::format("{}: the {} would fail at once: {}", options.unit, name(options.verb),
                             printable(outline->objection)));
        return exit;
    }
    std::string text = fmt::format("{}: {} would ", options.unit, outline->release);
    text += outline->from.empty() ? "be its first release\n"
                                  : fmt::format("take the place of {}\n", outline->from);
    for (std::size_t i = 0; i < outline->steps.size(); ++i)
        text += fmt::format("  {}. {}\n", i + 1, printable(outline->steps[i]));
    print(text);
    return exit;
}

Exit try_it(const Context& context, const DeployOptions& options,
            const control::ChangeRequest& request)
{
    auto call = Call::begin(context.socket_path, spec_of_change(options.unit, options.verb, request,
                                                                {}, Answer::at_once));
    if (const auto* trouble = trouble_of(call)) return give_up(*trouble);
    const auto body = control::body_or_trouble(
        std::get<Call>(call).finish(control::deadline_in(answer_patience)));
    if (const auto* trouble = trouble_of(body)) return give_up(*trouble);
    return tell_outline(context, options, std::get<std::string>(body));
}

} // namespace

/// It is asked for without waiting first, which tells its number, and then for its outcome under
/// the same key, which begins nothing.
Exit deploy(const Context& context, const DeployOptions& options)
{
    const auto target = target_for(options.unit, options.verb);
    if (!target) return Exit::usage;
    control::ChangeRequest request{options.reason, {}, {}, options.terms};
    request.trial = options.trial;
    if (options.trial == control::ChangeRequest::Trial::dry_run)
        return try_it(context, options, request);

    Deadline deadline;
    if (options.timeout) deadline = control::deadline_in(*options.timeout);
    const std::string key = fresh_key();
    const auto asked = spec_of_change(target->unit, options.verb, request, key, Answer::at_once);
    auto outcome =
        ask(context.socket_path, asked, Call::begin(context.socket_path, asked), deadline);
    const auto* accepted = std::get_if<OperationReport>(&outcome);
    if (accepted != nullptr && options.wait == ChangeOptions::Wait::yes) {
        const OperationId id = accepted->id;
        const PartingWords parting(target->unit, options.verb, id);
        outcome = Following(context, target->unit, id)
                      .outcome(spec_of_change(target->unit, options.verb, request, key,
                                              Answer::at_the_end),
                               deadline);
    }
    Outcomes outcomes(context, options.verb);
    outcomes.tell(*target, outcome);
    return outcomes.end();
}

} // namespace keel::cli
