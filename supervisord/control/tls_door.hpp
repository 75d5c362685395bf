// The port for pages behind TLS: its certificate, which may be renewed at any time, and its front.
//
// The files are looked at again every ten seconds, on another thread, for as long as the port is
// open; connections that come after they have changed get the new certificate. Files that cannot
// be used leave the one before in use, and are tried again. If there is none, nobody is served,
// until there is: that is told, as is a certificate that has run out, or soon will.
#pragma once
#include "base/owned_fd.hpp"
#include "base/result.hpp"
#include "control/tls_front.hpp"
#include "ports/loop.hpp"
#include "units/tls_files.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace keel::control {

class TlsDoor {
public:
    struct Options {
        units::TlsSpec files = {};
        std::function<void(const std::string&)> tell = {}; ///< what people should know
        Duration look_pause = std::chrono::seconds(10);
    };
    /// `connections`: at most so many at once.
    static Result<std::unique_ptr<TlsDoor>> open(ports::Loop& loop, Options options,
                                                 std::size_t connections);

    /// See TlsFront.
    [[nodiscard]] OwnedFd admit(OwnedFd connection) { return front_->admit(std::move(connection)); }

    [[nodiscard]] bool has_certificate() const { return identity_.context != nullptr; }
    /// The host names that the certificate is for.
    [[nodiscard]] const std::vector<std::string>& names() const { return identity_.names; }

private:
    using Outcome = std::variant<units::TlsIdentity, units::TlsMistake>;
    TlsDoor(ports::Loop& loop, Options options, std::unique_ptr<TlsFront> front);
    void look();
    void look_later();
    void take(const units::TlsStamp& stamp, Outcome outcome);
    void tell_of_expiry();

    ports::Loop& loop_;
    const Options options_;
    std::unique_ptr<TlsFront> front_;
    units::TlsStamp stamp_;      ///< of the files that are in use; empty: they could not be used
    std::string latest_trouble_; ///< told already; empty: the files could be used
    units::TlsIdentity identity_;
    enum class Told : std::uint8_t { nothing, runs_out_soon, ran_out } told_ = Told::nothing;
    ports::Loop::Registration timer_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace keel::control
