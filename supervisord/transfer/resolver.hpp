// Names to addresses, such that a resolver that hangs hurts nobody but who asked it.
//
// Each lookup runs on a detached thread of its own, because getaddrinfo(3) can be neither bounded
// nor interrupted: a stuck one is left behind, and a pool of threads would be stuck with it. At
// most `lookups_max` are under way; those beyond are told so at once. Who asks for the same name at
// the same time waits for the same lookup. Found addresses are kept for a minute, failures never.
//
// Nothing is made before the first lookup. It refuses to know what the addresses are for, and how
// long the asker is willing to wait.
#pragma once
#include "ports/loop.hpp"
#include "transfer/address.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace keel::transfer {

struct Resolution {
    enum class Kind : std::uint8_t {
        found,
        missing,    ///< the name does not exist, or has no address
        unavailable ///< nobody could be asked: no server, no thread, too many lookups
    } kind = Kind::unavailable;
    std::vector<IpAddress> addresses; ///< found: at most `addresses_max`, in order of preference
    std::string text;                 ///< not found: why, for people
};

inline constexpr std::size_t addresses_max = 8;

/// Asks the system and blocks for as long as that takes.
[[nodiscard]] Resolution system_lookup(const std::string& host);

class Resolver {
public:
    using Lookup = std::function<Resolution(const std::string& host)>;
    static constexpr std::size_t lookups_max = 8;
    static constexpr Duration kept_for = std::chrono::seconds(60);
    static constexpr std::size_t kept_max = 512;

    /// `lookup` may block, and is called on threads that may outlive the resolver.
    explicit Resolver(ports::Loop& loop, Lookup lookup = system_lookup);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// `handler` is called once, later, on the loop; never again after the registration's death.
    [[nodiscard]] ports::Loop::Registration resolve(std::string host,
                                                    std::function<void(const Resolution&)> handler);

private:
    struct Mailbox; ///< shared with the threads
    struct Ticket;
    struct Kept {
        std::vector<IpAddress> addresses;
        MonoTime until;
    };

    void answer_later(const std::weak_ptr<Ticket>& ticket, Resolution resolution);
    void wait_for(const std::string& host, const std::weak_ptr<Ticket>& ticket);
    [[nodiscard]] std::string begin(const std::string& host);
    void collect();
    void keep(const std::string& host, const std::vector<IpAddress>& addresses);

    ports::Loop& loop_;
    const Lookup lookup_;
    std::shared_ptr<Mailbox> mailbox_;
    std::map<std::string, std::vector<std::weak_ptr<Ticket>>> waiting_; ///< by name, under way
    std::map<std::string, Kept> kept_;
    ports::Loop::Registration watch_;
};

} // namespace keel::transfer
