#include "sys/root_look.hpp"

#include "base/release_id.hpp"
#include "base/thread.hpp"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

namespace keel::sys {
namespace {

/// In one root, of those that are listed where nothing is on record.
constexpr std::size_t found_max = 1000;
/// Whoever else may write to the root, the engine does not read for ever.
constexpr std::size_t entries_max = 10'000;

} // namespace

ports::ReleaseStore::Found look_at_root(const std::string& root)
{
    namespace fs = std::filesystem;
    ports::ReleaseStore::Found found;
    std::error_code failed;
    fs::directory_iterator it(fs::path(root) / "releases", failed);
    for (std::size_t read = 0; !failed && it != fs::directory_iterator() && read < entries_max &&
                               found.all.size() < found_max;
         ++read, it.increment(failed))
        if (std::string name = it->path().filename(); is_release_id(name))
            if (std::error_code ignored; it->is_directory(ignored) && !it->is_symlink(ignored))
                found.all.push_back(std::move(name));
    std::ranges::sort(found.all);
    const fs::path link = fs::read_symlink(fs::path(root) / "current", failed);
    const std::string id = link.filename();
    const bool is_one_of_them =
        link == fs::path("releases") / id && std::ranges::binary_search(found.all, id);
    if (!failed && is_one_of_them) found.current = id;
    return found;
}

struct RootLook::Asked {
    std::mutex mutex;
    std::condition_variable answered;
    std::set<std::string> open; ///< roots that have not answered
};

RootLook::RootLook(std::chrono::milliseconds patience, Look look)
    : asked_(std::make_shared<Asked>()), look_(std::move(look)), left_(patience)
{}

std::optional<RootLook::Found> RootLook::at(const std::string& root)
{
    std::unique_lock lock(asked_->mutex);
    if (!asked_->open.insert(root).second) return std::nullopt;
    const auto answer = std::make_shared<std::optional<Found>>();
    auto thread = start_thread("keel-look", [asked = asked_, look = look_, root, answer] {
        Found found = look(root);
        const std::lock_guard answering(asked->mutex);
        *answer = std::move(found);
        asked->open.erase(root);
        asked->answered.notify_all();
    });
    if (!thread) {
        asked_->open.erase(root);
        return std::nullopt;
    }
    thread->detach();
    const auto began = std::chrono::steady_clock::now();
    asked_->answered.wait_for(lock, std::max<std::chrono::nanoseconds>(left_, patience_least),
                              [&] { return answer->has_value(); });
    const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - began;
    if (took > patience_least) left_ -= std::min(left_, took);
    return *answer;
}

} // namespace keel::sys
