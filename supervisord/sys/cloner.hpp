// The clone itself: a child that runs child_main() on a stack of its own, in our memory, while we
// wait; the keeper is its parent from birth, so that it never changes hands.
#pragma once
#include "sys/child_setup.hpp"

namespace keel::sys {

/// Carries out the clone, in one of two ways.
class Cloner {
public:
    enum class Method : std::uint8_t { clone3, clone };

    /// Takes clone where the kernel or a container's filter has no clone3, whatever `method` says.
    /// Throws std::system_error if there is no memory for a stack.
    explicit Cloner(Method method);
    ~Cloner();
    Cloner(const Cloner&) = delete;
    Cloner& operator=(const Cloner&) = delete;

    struct Child {
        pid_t pid = -1; ///< -1: errno_value says why there is none
        int pidfd = -1; ///< the caller's
        int errno_value = 0;
    };
    /// Returns once the child has executed its program or failed to. `cgroup_directory`: -1, or a
    /// descriptor of the cgroup to be born in (clone3 only; see enters_cgroups()).
    Child run(ChildSetup& setup, int cgroup_directory);

    /// Whether `cgroup_directory` works; otherwise the child has to enter by itself.
    [[nodiscard]] bool enters_cgroups() const { return method_ == Method::clone3; }

private:
    Child by_clone3(ChildSetup& setup, int cgroup_directory);
    Child by_clone(ChildSetup& setup);

    Method method_;
    char* stack_ = nullptr;
    std::uint64_t share_files_ = 0; ///< CLONE_FILES where the child can leave the shared table
};

} // namespace keel::sys
