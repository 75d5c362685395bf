// The certificate and the key of `http.tls`: read, and found fit for each other, or why not.
//
// Only looks. The key is a secret: it leaves this only inside the context that speaks TLS with it,
// and one that everybody on the host may read is refused. Whether the certificate has run out is
// told and no more: one that nobody trusts any longer serves better than none.
#pragma once
#include "base/enum_names.hpp"
#include "base/time.hpp"
#include "units/daemon_spec.hpp"
#include "units/problem.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

struct ssl_ctx_st; // of OpenSSL

namespace keel::units {

/// Whether the files of `http.tls` may have changed: who they are, when they were written.
struct TlsStamp {
    std::vector<std::uint64_t> marks;
    friend bool operator==(const TlsStamp&, const TlsStamp&) = default;
};
[[nodiscard]] TlsStamp stamp_of(const TlsSpec& spec);

struct TlsIdentity {
    std::shared_ptr<ssl_ctx_st> context; ///< for the server's side, TLS 1.2 or later
    std::vector<std::string> names; ///< host names that the certificate is for; `*.example.org`
    WallTime expires;
};

/// What is wrong, and with which of the two.
enum class TlsFile : std::uint8_t { certificate, key };
struct TlsMistake {
    TlsFile with;
    Mistake mistake; ///< names the file
};

/// `spec` names both files.
[[nodiscard]] std::variant<TlsIdentity, TlsMistake> read_tls_files(const TlsSpec& spec);

} // namespace keel::units

namespace keel {
template <>
inline constexpr std::array
    names_of<units::TlsFile> = std::to_array<std::string_view>({"certificate", "key"});
} // namespace keel
