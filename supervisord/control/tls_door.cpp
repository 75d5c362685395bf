#include "control/tls_door.hpp"

#include "base/text.hpp"

#include <fmt/format.h>
#include <utility>

namespace keel::control {
namespace {

/// Whoever renews one does it well before.
constexpr Duration soon = std::chrono::hours(3 * 24);

} // namespace

Result<std::unique_ptr<TlsDoor>> TlsDoor::open(ports::Loop& loop, Options options,
                                               std::size_t connections)
{
    auto front = TlsFront::start({.connections = connections});
    if (!front) return front.error();
    return std::unique_ptr<TlsDoor>(new TlsDoor(loop, std::move(options), std::move(*front)));
}

TlsDoor::TlsDoor(ports::Loop& loop, Options options, std::unique_ptr<TlsFront> front)
    : loop_(loop), options_(std::move(options)), front_(std::move(front))
{
    const auto stamp = units::stamp_of(options_.files);
    take(stamp, units::read_tls_files(options_.files));
    look_later();
}

void TlsDoor::look_later()
{
    timer_ = loop_.after(options_.look_pause, [this] { look(); });
}

void TlsDoor::look()
{
    struct Job {
        units::TlsStamp stamp;
        std::optional<Outcome> outcome;
    };
    auto job = std::make_shared<Job>(Job{stamp_, std::nullopt});
    loop_.offload(
        [job, files = options_.files] {
            // Asked for before they are read: what changes meanwhile is seen the next time.
            auto stamp = units::stamp_of(files);
            if (stamp == job->stamp) return;
            job->stamp = std::move(stamp);
            job->outcome = units::read_tls_files(files);
        },
        [this, job, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) return;
            if (job->outcome)
                take(job->stamp, std::move(*job->outcome));
            else
                tell_of_expiry();
            look_later();
        });
}

void TlsDoor::take(const units::TlsStamp& stamp, Outcome outcome)
{
    if (const auto* wrong = std::get_if<units::TlsMistake>(&outcome)) {
        const char* what = has_certificate() ? "the certificate before it stays in use"
                                             : "nobody is served over TLS until that is mended";
        // The reason may pass, as a lack of descriptors does, without a change of the files.
        stamp_ = {};
        auto trouble =
            fmt::format("http.tls.{}: {}; {}", name(wrong->with), wrong->mistake.message, what);
        if (trouble != latest_trouble_) options_.tell(trouble);
        latest_trouble_ = std::move(trouble);
        return tell_of_expiry();
    }
    const bool is_renewed = has_certificate();
    stamp_ = stamp;
    latest_trouble_.clear();
    told_ = Told::nothing;
    identity_ = std::get<units::TlsIdentity>(std::move(outcome));
    front_->use(identity_.context);
    if (is_renewed && identity_.expires > loop_.now().wall)
        options_.tell(fmt::format("http.tls has a new certificate, which is good until {}",
                                  to_rfc3339(identity_.expires)));
    tell_of_expiry();
}

/// Each of both once.
void TlsDoor::tell_of_expiry()
{
    if (!has_certificate()) return;
    const Duration left = identity_.expires - loop_.now().wall;
    if (left > soon) return;
    const Told now = left > Duration{0} ? Told::runs_out_soon : Told::ran_out;
    if (now <= told_) return;
    told_ = now;
    options_.tell(fmt::format("the certificate of http.tls {} on {}",
                              now == Told::ran_out ? "ran out" : "runs out",
                              to_rfc3339(identity_.expires)));
}

} // namespace keel::control
