// SHA-256, as 64 lower-case hexadecimal digits.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st; // of OpenSSL

namespace keel::deploy {

class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;

    void add(std::span<const char> bytes);
    /// Of all that was added. Nothing can be added afterwards.
    [[nodiscard]] std::string hex();

private:
    std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

[[nodiscard]] std::string sha256_of(std::string_view bytes);

/// In lower case; none if it is not 64 hexadecimal digits.
[[nodiscard]] std::optional<std::string> parse_sha256(std::string_view text);

} // namespace keel::deploy
