#include "sys/spawner.hpp"

#include "base/ensure.hpp"
#include "units/spec.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <fcntl.h>
#include <fmt/format.h>
#include <string_view>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::sys {

using namespace std::chrono_literals;
using core::ExitStatus;
using core::SetupStage;
using core::TreeState;
using ports::SpawnFailure;
using ports::SpawnPlan;

namespace {

constexpr Duration straggler_delay = 100ms; ///< ends of one burst are searched for together
constexpr Duration straggler_interval = 1s;
constexpr Duration retry_delay = 50ms, retry_delay_max = 2s;

/// What execve(2) is to be given for `name`; searched here so that a failure has its true reason.
std::variant<std::string, int> find_program(const std::string& name, const SpawnPlan& plan)
{
    if (name.empty()) return ENOENT;
    if (name.find('/') != std::string::npos) return name;
    const auto given = plan.environment.find("PATH");
    std::string_view path = given != plan.environment.end() ? given->second : units::default_path;
    int failure = ENOENT;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find(':'), path.size());
        const std::string candidate = std::string(path.substr(0, end)) + "/" + name;
        path.remove_prefix(std::min(end + 1, path.size()));
        struct stat info {};
        if (candidate[0] != '/' || ::stat(candidate.c_str(), &info) != 0) continue;
        if (S_ISREG(info.st_mode) && ::access(candidate.c_str(), X_OK) == 0) return candidate;
        failure = EACCES;
    }
    return failure;
}

/// Strings and the array of pointers to them that execve(2) wants.
class Words {
public:
    /// The text is where it stays.
    std::string& add(std::string word) { return words_.emplace_back(std::move(word)); }
    char** pointers()
    {
        pointers_.clear();
        for (std::string& word : words_)
            pointers_.push_back(word.data());
        pointers_.push_back(nullptr);
        return pointers_.data();
    }

private:
    std::deque<std::string> words_;
    std::vector<char*> pointers_;
};

/// Our marks come first, where a search finds them in the first page.
Words environment_of(SpawnId id, const SpawnPlan& plan, const std::string& run_dir)
{
    Words words;
    words.add(fmt::format("KEEL_SPAWN={}", number(id)));
    words.add("KEEL_RUN=" + run_dir);
    words.add("KEEL_UNIT=" + plan.unit.substr(0, plan.unit.find('.')));
    if (plan.slot != whole_unit) words.add(fmt::format("KEEL_INSTANCE={}", plan.slot));
    for (const auto& [key, value] : plan.environment) {
        const bool ours = key == "KEEL_SPAWN" || key == "KEEL_RUN" || key == "KEEL_UNIT" ||
                          key == "KEEL_INSTANCE";
        if (!ours && key != plan.pid_variable) words.add(key + "=" + value);
    }
    return words;
}

SetupStage stage_of_clone_error(int error)
{
    switch (error) {
    case EMFILE:
    case ENFILE: return SetupStage::descriptors;
    case EAGAIN:
    case ENOMEM: return SetupStage::processes;
    default: return SetupStage::clone;
    }
}

bool locks_are_unlimited()
{
    rlimit locks{};
    return ::getrlimit(RLIMIT_LOCKS, &locks) == 0 && locks.rlim_max == RLIM_INFINITY;
}

} // namespace

void SpawnerOptions::heed_environment()
{
    if (std::getenv("KEEL_NO_CLONE3") != nullptr) method = Cloner::Method::clone;
    if (std::getenv("KEEL_NO_PIDFD_INFO") != nullptr) ask_pidfd = AskPidfd::no;
    if (const char* folder = std::getenv("KEEL_MEMORY_EVENTS"); folder != nullptr)
        memory_events = std::make_shared<CgroupFolder>(folder);
}

Spawner::Spawner(ports::Loop& loop, KeeperClient& keeper, SpawnerOptions options)
    : loop_(loop), keeper_(keeper),
      options_(std::move(options)), scope_{::getppid(), ::getpid(), options_.run_dir},
      defaults_(LoginDefaults::differing_from_ours()), can_brand_(locks_are_unlimited()),
      cloner_(options_.method), oom_(memory_events(options_)), alive_(std::make_shared<bool>(true))
{
    if (options_.cgroups != nullptr) limits_.emplace(loop_, options_.cgroups->limits());
    keeper_.on_exited([this](const wire::Record& record) { on_exited(record); });
}

Spawner::~Spawner() { keeper_.on_exited(nullptr); }

// ---- spawning -----------------------------------------------------------------------------------

std::variant<ProcessIdentity, SpawnFailure> Spawner::spawn(SpawnId id, const SpawnPlan& plan)
{
    ENSURE(!children_.contains(id), "a spawn's number is never used twice");
    const auto program = find_program(plan.argv.empty() ? "" : plan.argv.front(), plan);
    if (const int* failure = std::get_if<int>(&program))
        return SpawnFailure{SetupStage::exec, *failure};
    Words arguments;
    for (const std::string& word : plan.argv)
        arguments.add(word);
    Words environment = environment_of(id, plan, options_.run_dir);
    char* pid_text = nullptr;
    if (!plan.pid_variable.empty()) {
        const std::string name = plan.pid_variable + "=";
        pid_text = environment.add(name + std::string(pid_text_size, '\0')).data() + name.size();
    }
    const ChildLimits limits(defaults_, plan);

    ChildSetup setup;
    setup.program = std::get<std::string>(program).c_str();
    setup.argv = arguments.pointers();
    setup.environment = environment.pointers();
    setup.pid_text = pid_text;
    setup.directory = plan.directory.c_str();
    setup.limits = &limits;
    setup.brand = can_brand_ ? brand_of(id, options_.run_dir) : 0;
    if (plan.credentials) {
        setup.has_credentials = true;
        setup.uid = plan.credentials->uid;
        setup.gid = plan.credentials->gid;
        setup.groups = plan.credentials->groups.data();
        setup.group_count = plan.credentials->groups.size();
    }
    setup.hello.kind = wire::Kind::hello;
    setup.hello.id = number(id);
    fmt::format_to_n(setup.hello.text, sizeof setup.hello.text - 1, "{}.{}", plan.unit, plan.slot);

    auto started = start(setup, plan);
    if (const auto* failure = std::get_if<SpawnFailure>(&started)) return *failure;
    auto& child = std::get<Child>(started);
    const ProcessIdentity process = child.process;
    const bool known_to_keeper = !setup.failed || setup.stage > SetupStage::hello;
    if (setup.failed && !child.cgroup.empty()) options_.cgroups->remove(child.cgroup);
    if (known_to_keeper) children_.emplace(id, std::move(child));
    if (setup.failed) return SpawnFailure{setup.stage, setup.errno_value};
    return process;
}

std::variant<Spawner::Child, SpawnFailure> Spawner::start(ChildSetup& setup, const SpawnPlan& plan)
{
    Child child;
    child.unit = plan.unit;
    const int output = plan.output_fd >= 0 ? plan.output_fd : null_fd;
    if (::dup3(output, output_fd, O_CLOEXEC) < 0)
        return SpawnFailure{SetupStage::descriptors, errno};
    const int input = plan.input_fd >= 0 ? plan.input_fd : null_fd;
    if (::dup3(input, input_fd, O_CLOEXEC) < 0) return SpawnFailure{SetupStage::descriptors, errno};

    OwnedFd directory;
    if (auto failure = prepare_cgroup(setup, plan, child, directory)) return std::move(*failure);
    setup.show_ready_at = plan.ready_fd;
    if (plan.ready_fd > 0 && ::dup3(plan.ready_pipe, ready_fd, O_CLOEXEC) < 0)
        return SpawnFailure{SetupStage::descriptors, errno};
    const Cloner::Child born = cloner_.run(setup, directory.get());
    ::dup3(null_fd, output_fd, O_CLOEXEC);
    ::dup3(null_fd, input_fd, O_CLOEXEC);
    if (plan.ready_fd > 0) ::dup3(null_fd, ready_fd, O_CLOEXEC);
    if (setup.enter_cgroup) ::dup3(null_fd, cgroup_fd, O_CLOEXEC);
    if (born.pid < 0) return SpawnFailure{stage_of_clone_error(born.errno_value), born.errno_value};
    child.process = {born.pid, setup.hello.start_ticks};
    child.pidfd = OwnedFd(born.pidfd);
    child.setup_failed = setup.failed;
    return child;
}

// ---- ends ---------------------------------------------------------------------------------------

void Spawner::on_exited(const wire::Record& record)
{
    const SpawnId id{record.id};
    const auto [found, is_new] = children_.try_emplace(id);
    Child& child = found->second;
    if (child.setup_failed) {
        keeper_.acknowledge(id);
        children_.erase(found);
        return;
    }
    if (is_new) {
        child.process = {record.pid, record.start_ticks};
        child.cgroup = cgroup_of(child, record.text);
        child.oom_group = path_of_instance(record.text); // Nothing lives there any more.
    }
    report_end(id, core::exit_status_from_wait(record.value));
}

void Spawner::report_end(SpawnId id, ExitStatus status)
{
    Child& child = children_.at(id);
    if (!child.kill_sent) status = oom_.decode(status, child.oom_group, child.oom_kills);
    child.watch.reset();
    child.pidfd.reset();
    child.addressee.reset();
    child.ended = true;
    // What others_live() cannot see, a search that is under way may still be killing.
    const bool being_killed = child.killing && !child.emptied && child.cgroup.empty();
    const TreeState tree = being_killed || others_live(child) ? TreeState::alive : TreeState::empty;
    if (child.killing && child.emptied)
        later([this, id] { tree_empty(id); });
    else if (child.killing && child.cgroup.empty())
        want_search(Duration::zero());
    else if (!child.killing && child.cgroup.empty() && tree == TreeState::empty) {
        child.searched = false;
        want_search(std::max(straggler_delay, stragglers_due_ - loop_.now().mono));
    }
    if (handlers_.on_exit) handlers_.on_exit(id, status, tree);
}

/// Cheap, and right but for those that left the group; the search for stragglers is for them.
bool Spawner::others_live(const Child& child) const
{
    if (!child.cgroup.empty()) return options_.cgroups->populated(child.cgroup);
    const pid_t group = child.process.pid;
    if (group <= 1 || (::kill(-group, 0) != 0 && errno != EPERM)) return false;
    if (!child.stranger) return true;
    // Nobody knows when its parent will reap it, and until then the kernel counts the dead as well.
    const ProcessTable table = read_process_table(scope_);
    return std::any_of(table.begin(), table.end(),
                       [group](const ProcessRow& row) { return row.group == group && !row.dead; });
}

void Spawner::acknowledge(SpawnId id)
{
    keeper_.acknowledge(id);
    const auto found = children_.find(id);
    if (found == children_.end()) return;
    found->second.acknowledged = true;
    forget_if_done(id);
}

void Spawner::forget_if_done(SpawnId id)
{
    const Child& child = children_.at(id);
    if (child.ended && child.acknowledged && child.searched && !child.killing) children_.erase(id);
}

// ---- trees --------------------------------------------------------------------------------------

void Spawner::kill_tree(SpawnId id)
{
    const auto [found, is_new] = children_.try_emplace(id);
    Child& child = found->second;
    if (is_new) { // ended and acknowledged long ago: what is left of it bears its mark
        child.ended = true;
        child.acknowledged = true;
    }
    if (child.killing) return;
    child.killing = true;
    child.kill_sent = true;
    child.emptied = false;
    if (child.cgroup.empty())
        want_search(Duration::zero());
    else
        kill_cgroup(id);
}

void Spawner::kill_cgroup(SpawnId id)
{
    const std::string path = children_.at(id).cgroup;
    options_.cgroups->kill(path);
    options_.cgroups->when_empty(path, [this, id, path, alive = std::weak_ptr(alive_)] {
        if (alive.expired() || !children_.contains(id)) return;
        if (!options_.cgroups->populated(path)) return note_emptied(id);
        // It could not be watched (no inotify watches left): ask again by and by.
        children_.at(id).watch = loop_.after(retry_delay, [this, id] { kill_cgroup(id); });
    });
}

void Spawner::want_search(Duration delay)
{
    const MonoTime due = loop_.now().mono + std::max(delay, Duration::zero());
    if (search_timer_ && search_due_ <= due) return;
    search_due_ = due;
    search_timer_ = loop_.after(delay, [this] { begin_search(); });
}

struct Spawner::Search {
    std::vector<TreeTarget> targets;
    TreeScope scope;
};

void Spawner::begin_search()
{
    search_timer_.reset();
    if (searching_) return; // its end looks for what has come up since
    auto search = std::make_shared<Search>();
    search->scope = scope_;
    for (const auto& [id, child] : children_) {
        const bool to_kill = child.killing && !child.emptied && child.cgroup.empty();
        if (to_kill || !child.searched) search->targets.push_back({id, child.process, child.known});
    }
    if (search->targets.empty()) return;
    searching_ = true;
    stragglers_due_ = loop_.now().mono + straggler_interval;
    loop_.offload([search] { kill_members(search->targets, search->scope); },
                  [this, search, alive = std::weak_ptr(alive_)] {
                      if (!alive.expired()) end_search(*search);
                  });
}

void Spawner::end_search(const Search& search)
{
    searching_ = false;
    bool some_are_left = false;
    for (const TreeTarget& target : search.targets) {
        const auto found = children_.find(target.id);
        if (found == children_.end()) continue;
        Child& child = found->second;
        child.known = target.known;
        if (!target.known.empty()) {
            some_are_left = true;
            continue;
        }
        child.searched = true;
        if (child.killing)
            note_emptied(target.id);
        else
            forget_if_done(target.id);
    }
    search_retry_ = some_are_left ? std::clamp(search_retry_ * 2, retry_delay, retry_delay_max)
                                  : Duration::zero();
    const bool more = std::any_of(children_.begin(), children_.end(), [](const auto& entry) {
        return entry.second.killing && !entry.second.emptied && entry.second.cgroup.empty();
    });
    const bool stragglers = std::any_of(children_.begin(), children_.end(),
                                        [](const auto& entry) { return !entry.second.searched; });
    if (more)
        want_search(search_retry_);
    else if (stragglers)
        want_search(std::max(search_retry_, stragglers_due_ - loop_.now().mono));
}

/// No process of it lives; the report of the main process's end may still be under way.
void Spawner::note_emptied(SpawnId id)
{
    Child& child = children_.at(id);
    if (!child.killing) return;
    child.emptied = true;
    if (child.ended) tree_empty(id);
}

void Spawner::tree_empty(SpawnId id)
{
    const auto found = children_.find(id);
    if (found == children_.end() || !found->second.killing) return;
    Child& child = found->second;
    child.killing = child.emptied = false;
    child.searched = true;
    if (!child.cgroup.empty()) options_.cgroups->remove(child.cgroup);
    forget_if_done(id);
    if (handlers_.on_tree_empty) handlers_.on_tree_empty(id);
}

void Spawner::later(std::function<void()> call)
{
    loop_.defer([call = std::move(call), alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) call();
    });
}

} // namespace keel::sys
