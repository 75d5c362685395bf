// A certificate that signs itself and its key, in files, made without another program.
#pragma once
#include "base/time.hpp"
#include "units/daemon_spec.hpp"

#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdexcept>
#include <unistd.h>

namespace keel::test {

/// In place of what was there, as other files. For `name`, good until so long from now; negative:
/// it ran out already.
inline void make_certificate(const units::TlsSpec& files, Duration life,
                             const std::string& name = "localhost")
{
    const auto writing = [](const std::string& path) {
        const std::string draft = path + ".new";
        const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        return std::unique_ptr<FILE, int (*)(FILE*)>(::fdopen(fd, "w"), &std::fclose);
    };
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, void (*)(X509*)> made(X509_new(), X509_free);
    X509_set_version(made.get(), X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -24L * 3600 * 365);
    X509_gmtime_adj(X509_getm_notAfter(made.get()),
                    std::chrono::duration_cast<std::chrono::seconds>(life).count());
    X509_NAME* subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made.get(), subject);
    X509_set_pubkey(made.get(), key.get());
    if (X509_sign(made.get(), key.get(), EVP_sha256()) == 0 ||
        PEM_write_X509(writing(files.certificate).get(), made.get()) != 1 ||
        PEM_write_PrivateKey(writing(files.key).get(), key.get(), nullptr, nullptr, 0, nullptr,
                             nullptr) != 1)
        throw std::runtime_error("no certificate could be made");
    for (const std::string& path : {files.certificate, files.key})
        if (std::rename((path + ".new").c_str(), path.c_str()) != 0)
            throw std::runtime_error("no certificate could be put there");
}

} // namespace keel::test
