#include "units/tls_files.hpp"

#include "base/text.hpp"
#include "units/small_file.hpp"
#include "units/token_file.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

namespace keel::units {
namespace {

constexpr std::size_t size_max = 256U << 10;
using With = TlsFile;

template <class T, void (*release)(T*)> struct Release {
    void operator()(T* one) const { release(one); }
};
using Certificate = std::unique_ptr<X509, Release<X509, X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY, EVP_PKEY_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Release<GENERAL_NAMES, GENERAL_NAMES_free>>;

struct FreeBio {
    void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bytes = std::unique_ptr<BIO, FreeBio>;

Bytes bytes_of(const std::string& text)
{
    return Bytes(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

TlsMistake mistake(With with, const std::string& path, std::string_view what, std::string hint = {})
{
    return {with, {fmt::format("{}: {}", printable(path), what), std::move(hint)}};
}

/// Never asks at a terminal for a passphrase.
int no_passphrase(char*, int, int, void* asked)
{
    *static_cast<bool*>(asked) = true;
    return -1;
}

std::variant<std::string, TlsMistake> read(With with, const std::string& path)
{
    auto text = read_small_file(path, size_max);
    if (const auto* wrong = std::get_if<Mistake>(&text))
        return mistake(with, path, wrong->message, wrong->hint);
    if (std::get<std::string>(text).size() > size_max)
        return mistake(with, path, "is far too large", "PEM files of a few KiB are meant");
    return std::get<std::string>(std::move(text));
}

/// With what OpenSSL says: `cannot be used: ee key too small`.
std::string refused_by_openssl()
{
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return fmt::format("cannot be used: {}", reason != nullptr ? reason : "nobody says why");
}

std::vector<std::string> names_of_certificate(const X509& certificate)
{
    std::vector<std::string> found;
    const Names names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type != GEN_DNS) continue;
        const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
        found.emplace_back(text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    }
    return found;
}

WallTime end_of(const X509& certificate)
{
    std::tm end{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &end) != 1) return WallTime::max();
    return WallTime(std::chrono::seconds(::timegm(&end)));
}

using Context = std::shared_ptr<SSL_CTX>;

Context new_context()
{
    Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE |
                                           SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    return context;
}

/// The certificate itself, then those that vouch for it.
std::optional<TlsMistake> take_chain(SSL_CTX* context, const std::string& path,
                                     const std::string& text, TlsIdentity& identity)
{
    const Bytes bytes = bytes_of(text);
    const Certificate own(PEM_read_bio_X509_AUX(bytes.get(), nullptr, nullptr, nullptr));
    if (!own)
        return mistake(With::certificate, path, "does not hold a certificate in PEM form",
                       "it begins with -----BEGIN CERTIFICATE-----");
    if (SSL_CTX_use_certificate(context, own.get()) != 1)
        return mistake(With::certificate, path, refused_by_openssl());
    while (Certificate above{PEM_read_bio_X509(bytes.get(), nullptr, nullptr, nullptr)})
        if (SSL_CTX_add0_chain_cert(context, above.get()) == 1) (void)above.release();
    ERR_clear_error(); // The end of the file is an error to OpenSSL.
    identity.names = names_of_certificate(*own);
    identity.expires = end_of(*own);
    return std::nullopt;
}

std::optional<TlsMistake> take_key(SSL_CTX* context, const TlsSpec& spec, const std::string& text)
{
    bool is_encrypted = false;
    const Key key(
        PEM_read_bio_PrivateKey(bytes_of(text).get(), nullptr, no_passphrase, &is_encrypted));
    ERR_clear_error();
    if (is_encrypted)
        return mistake(With::key, spec.key,
                       "is encrypted, and there is nobody to ask for its words",
                       "openssl pkey -in OLD -out NEW; only keeld's user should read that");
    if (!key)
        return mistake(With::key, spec.key, "does not hold a private key in PEM form",
                       "it begins with -----BEGIN PRIVATE KEY----- or the like");
    if (X509_check_private_key(SSL_CTX_get0_certificate(context), key.get()) != 1) {
        ERR_clear_error();
        return mistake(
            With::key, spec.key,
            fmt::format("is not the key of the certificate in {}", printable(spec.certificate)),
            "both files must come from one request");
    }
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
        return mistake(With::key, spec.key, refused_by_openssl());
    return std::nullopt;
}

} // namespace

TlsStamp stamp_of(const TlsSpec& spec)
{
    TlsStamp stamp;
    for (const std::string& path : {spec.certificate, spec.key}) {
        struct stat file {};
        if (::stat(path.c_str(), &file) != 0) file = {};
        for (const auto mark :
             {static_cast<std::uint64_t>(file.st_ino), static_cast<std::uint64_t>(file.st_size),
              static_cast<std::uint64_t>(file.st_ctim.tv_sec),
              static_cast<std::uint64_t>(file.st_ctim.tv_nsec)})
            stamp.marks.push_back(mark);
    }
    return stamp;
}

std::variant<TlsIdentity, TlsMistake> read_tls_files(const TlsSpec& spec)
{
    auto chain = read(With::certificate, spec.certificate);
    if (const auto* wrong = std::get_if<TlsMistake>(&chain)) return *wrong;
    if (const auto wrong = check_is_private(spec.key))
        return mistake(With::key, spec.key, wrong->message, wrong->hint);
    auto key = read(With::key, spec.key);
    if (const auto* wrong = std::get_if<TlsMistake>(&key)) return *wrong;

    TlsIdentity identity;
    const Context context = new_context();
    if (auto wrong =
            take_chain(context.get(), spec.certificate, std::get<std::string>(chain), identity))
        return *wrong;
    auto& secret = std::get<std::string>(key);
    const auto wrong = take_key(context.get(), spec, secret);
    OPENSSL_cleanse(secret.data(), secret.size());
    if (wrong) return *wrong;
    identity.context = context;
    return identity;
}

} // namespace keel::units
