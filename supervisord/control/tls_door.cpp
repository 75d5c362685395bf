#include "control/tls_door.hpp"

#include "base/text.hpp"

#include <fmt/format.h>
#include <utility>

namespace keel::control {

Result<std::unique_ptr<TlsDoor>> TlsDoor::open(ports::Loop& loop, Options options,
                                               std::size_t connections)
{
    auto front = TlsFront::start({.connections = connections});
    if (!front) return front.error();
    return std::unique_ptr<TlsDoor>(new TlsDoor(loop, std::move(options), std::move(*front)));
}

TlsDoor::TlsDoor(ports::Loop& loop, Options options, std::unique_ptr<TlsFront> front)
    : loop_(loop), options_(std::move(options)), front_(std::move(front)),
      stamp_(units::stamp_of(options_.files))
{
    take(units::read_tls_files(options_.files));
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
            stamp_ = job->stamp;
            if (job->outcome) take(std::move(*job->outcome));
            look_later();
        });
}

void TlsDoor::take(Outcome outcome)
{
    if (const auto* wrong = std::get_if<units::TlsMistake>(&outcome)) {
        const char* what = has_certificate() ? "the certificate before it stays in use"
                                             : "nobody is served over TLS until that is mended";
        options_.tell(
            fmt::format("http.tls.{}: {}; {}", name(wrong->with), wrong->mistake.message, what));
        return;
    }
    const bool is_renewed = has_certificate();
    identity_ = std::get<units::TlsIdentity>(std::move(outcome));
    front_->use(identity_.context);
    if (identity_.expires <= loop_.now().wall)
        options_.tell(fmt::format("the certificate of http.tls ran out on {}",
                                  to_rfc3339(identity_.expires)));
    else if (is_renewed)
        options_.tell(fmt::format("http.tls has a new certificate, which is good until {}",
                                  to_rfc3339(identity_.expires)));
}

} // namespace keel::control
