#include "control/user_names.hpp"

#include <array>
#include <fmt/format.h>
#include <pwd.h>

namespace keel::control {
namespace {

constexpr std::size_t known_max = 1024;

std::string look_up(uid_t uid)
{
    std::array<char, 16384> room{};
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(uid, &entry, room.data(), room.size(), &found) != 0 || found == nullptr)
        return fmt::format("uid {}", uid);
    return fmt::format("{} (uid {})", entry.pw_name, uid);
}

} // namespace

void UserNames::with_name(uid_t uid, std::function<void(const std::string&)> then)
{
    if (uid == 0) {
        then("root (uid 0)");
        return;
    }
    if (const auto found = known_->find(uid); found != known_->end()) {
        then(found->second);
        return;
    }
    auto answer = std::make_shared<std::string>();
    loop_.offload([answer, uid] { *answer = look_up(uid); },
                  [answer, uid, known = known_, then = std::move(then)] {
                      if (known->size() < known_max) known->emplace(uid, *answer);
                      then(*answer);
                  });
}

} // namespace keel::control
