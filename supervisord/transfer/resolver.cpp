#include "transfer/resolver.hpp"

#include "base/owned_fd.hpp"
#include "base/thread.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <netdb.h>
#include <sys/eventfd.h>

namespace keel::transfer {

Resolution system_lookup(const std::string& host)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int failure = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (failure == EAI_NONAME || failure == EAI_NODATA)
        return {Resolution::Kind::missing, {}, "no such name"};
    if (failure == EAI_SYSTEM) return {Resolution::Kind::unavailable, {}, ::strerrordesc_np(errno)};
    if (failure != 0) return {Resolution::Kind::unavailable, {}, ::gai_strerror(failure)};
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
    Resolution resolution{Resolution::Kind::found, {}, {}};
    auto& addresses = resolution.addresses;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        IpAddress text = ip_text(each->ai_addr, each->ai_addrlen);
        const bool known = std::find(addresses.begin(), addresses.end(), text) != addresses.end();
        if (!text.empty() && !known && addresses.size() < addresses_max)
            addresses.push_back(std::move(text));
    }
    if (addresses.empty()) return {Resolution::Kind::missing, {}, "the name has no address"};
    return resolution;
}

/// What finished lookups leave behind. It lives as long as the last thread that may still use it.
struct Resolver::Mailbox {
    OwnedFd bell{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    std::mutex mutex;
    std::vector<std::pair<std::string, Resolution>> finished;

    void put(std::string host, Resolution resolution)
    {
        const std::lock_guard lock(mutex);
        finished.emplace_back(std::move(host), std::move(resolution));
        ::eventfd_write(bell.get(), 1);
    }

    auto take()
    {
        const std::lock_guard lock(mutex);
        eventfd_t rings = 0;
        ::eventfd_read(bell.get(), &rings);
        return std::exchange(finished, {});
    }
};

struct Resolver::Ticket {
    std::function<void(const Resolution&)> handler;
};

namespace {

/// Its death is the asker's word that no answer is wanted.
template <class Ticket> class Holder final : public ports::Loop::Handle {
public:
    explicit Holder(std::shared_ptr<Ticket> ticket) : ticket_(std::move(ticket)) {}

private:
    std::shared_ptr<Ticket> ticket_;
};

} // namespace

Resolver::Resolver(ports::Loop& loop, Lookup lookup) : loop_(loop), lookup_(std::move(lookup)) {}

Resolver::~Resolver() = default;

ports::Loop::Registration Resolver::resolve(std::string host,
                                            std::function<void(const Resolution&)> handler)
{
    std::transform(host.begin(), host.end(), host.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    auto ticket = std::make_shared<Ticket>(Ticket{std::move(handler)});
    const auto kept = kept_.find(host);
    if (auto known = known_addresses(host)) {
        answer_later(ticket, {Resolution::Kind::found, std::move(*known), {}});
    } else if (kept != kept_.end() && kept->second.until > loop_.now().mono) {
        answer_later(ticket, {Resolution::Kind::found, kept->second.addresses, {}});
    } else {
        std::string problem = waiting_.contains(host) ? std::string() : begin(host);
        if (problem.empty())
            wait_for(host, ticket);
        else
            answer_later(ticket, {Resolution::Kind::unavailable, {}, std::move(problem)});
    }
    return std::make_unique<Holder<Ticket>>(std::move(ticket));
}

void Resolver::answer_later(const std::weak_ptr<Ticket>& ticket, Resolution resolution)
{
    loop_.defer([ticket, resolution = std::move(resolution)] {
        if (const auto wanted = ticket.lock()) wanted->handler(resolution);
    });
}

void Resolver::wait_for(const std::string& host, const std::weak_ptr<Ticket>& ticket)
{
    // Those who gave up are dropped here, or a stuck lookup would collect them for ever.
    auto& tickets = waiting_[host];
    std::erase_if(tickets, [](const auto& waiting) { return waiting.expired(); });
    tickets.push_back(ticket);
}

/// Starts a lookup; otherwise says what is in the way.
std::string Resolver::begin(const std::string& host)
{
    if (waiting_.size() >= lookups_max) return "too many names are being looked up already";
    if (!mailbox_) {
        auto mailbox = std::make_shared<Mailbox>();
        if (!mailbox->bell) return Error::from_errno("eventfd").text();
        mailbox_ = std::move(mailbox);
        watch_ = loop_.watch_fd(mailbox_->bell.get(), ports::Interest::readable,
                                [this](ports::FdEvents) { collect(); });
    }
    auto thread = start_thread("keel-resolve", [mailbox = mailbox_, lookup = lookup_, host] {
        mailbox->put(host, lookup(host));
    });
    if (!thread) return thread.error().text();
    thread->detach();
    return {};
}

void Resolver::collect()
{
    for (const auto& [host, resolution] : mailbox_->take()) {
        if (resolution.kind == Resolution::Kind::found) keep(host, resolution.addresses);
        const auto found = waiting_.extract(host);
        if (found.empty()) continue;
        for (const auto& ticket : found.mapped())
            if (const auto wanted = ticket.lock()) wanted->handler(resolution);
    }
}

void Resolver::keep(const std::string& host, const std::vector<IpAddress>& addresses)
{
    const MonoTime now = loop_.now().mono;
    if (kept_.size() >= kept_max)
        std::erase_if(kept_, [now](const auto& entry) { return entry.second.until <= now; });
    if (kept_.size() >= kept_max) kept_.clear();
    kept_[host] = {addresses, now + kept_for};
}

} // namespace keel::transfer
