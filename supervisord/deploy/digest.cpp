#include "deploy/digest.hpp"

#include "base/ensure.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <openssl/evp.h>

namespace keel::deploy {
namespace {

constexpr std::size_t digits = 64;

} // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free)
{
    ENSURE(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1,
           "OpenSSL has SHA-256");
}

Sha256::~Sha256() = default;

void Sha256::add(std::span<const char> bytes)
{
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

std::string Sha256::hex()
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), raw.data(), &size);
    std::string text;
    for (unsigned i = 0; i < size; ++i)
        text += fmt::format("{:02x}", raw.at(i));
    return text;
}

std::string sha256_of(std::string_view bytes)
{
    Sha256 digest;
    digest.add(bytes);
    return digest.hex();
}

std::optional<std::string> parse_sha256(std::string_view text)
{
    if (text.size() != digits) return std::nullopt;
    std::string lower;
    for (const char c : text) {
        const bool is_upper = c >= 'A' && c <= 'F';
        if (!is_upper && !(c >= 'a' && c <= 'f') && !(c >= '0' && c <= '9')) return std::nullopt;
        lower += is_upper ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return lower;
}

} // namespace keel::deploy
