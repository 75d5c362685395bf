#include "sys/log_packing.hpp"

#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

namespace keel::sys {

namespace fs = std::filesystem;

namespace {

constexpr int level = 3;
constexpr std::size_t block = std::size_t{128} << 10;
constexpr std::uint32_t header_magic = ZSTD_MAGIC_SKIPPABLE_START;

/// The skippable frame at the beginning, in the byte order of the machines that Keel runs on.
struct Header {
    std::uint32_t magic = header_magic;
    std::uint32_t length = sizeof(std::uint64_t);
    std::uint64_t identity = 0;
};
static_assert(sizeof(Header) == 16);

Result<void> write_all(int fd, const void* data, std::size_t size, const fs::path& path)
{
    const char* bytes = static_cast<const char*>(data);
    while (size > 0) {
        const ssize_t wrote = ::write(fd, bytes, size);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return Error::from_errno("write", path);
        bytes += wrote;
        size -= static_cast<std::size_t>(wrote);
    }
    return {};
}

Result<void> compress(int from, int to, const fs::path& path, const std::atomic<bool>& stop)
{
    const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                       &ZSTD_freeCCtx);
    if (!context) return Error{"compress", path, ENOMEM};
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
    std::string in(block, '\0');
    std::string out(ZSTD_CStreamOutSize(), '\0');
    for (bool at_end = false; !at_end;) {
        if (stop) return Error{"compress", path, ECANCELED};
        const ssize_t got = ::read(from, in.data(), in.size());
        if (got < 0) return Error::from_errno("read", path);
        at_end = got == 0;
        ZSTD_inBuffer input{in.data(), static_cast<std::size_t>(got), 0};
        const auto mode = at_end ? ZSTD_e_end : ZSTD_e_continue;
        for (std::size_t left = 1; at_end ? left > 0 : input.pos < input.size;) {
            ZSTD_outBuffer output{out.data(), out.size(), 0};
            left = ZSTD_compressStream2(context.get(), &output, &input, mode);
            if (ZSTD_isError(left) != 0) return Error{"compress", path, EIO};
            if (auto wrote = write_all(to, out.data(), output.pos, path); !wrote) return wrote;
        }
    }
    return {};
}

/// The whole of it, but for the names.
Result<void> write_packed(const OwnedFd& from, const OwnedFd& to, const fs::path& path,
                          const std::atomic<bool>& stop)
{
    const Header header{header_magic, sizeof(std::uint64_t), file_identity(from.get())};
    if (auto wrote = write_all(to.get(), &header, sizeof header, path); !wrote) return wrote;
    if (auto done = compress(from.get(), to.get(), path, stop); !done) return done;
    struct stat seen {};
    if (::fstat(from.get(), &seen) != 0) return Error::from_errno("stat", path);
    const std::array times = {seen.st_atim, seen.st_mtim};
    if (::fchmod(to.get(), seen.st_mode & 0777U) != 0 || ::futimens(to.get(), times.data()) != 0 ||
        ::fdatasync(to.get()) != 0)
        return Error::from_errno("write", path);
    return {};
}

std::uint64_t packed_identity(const fs::path& packed)
{
    const OwnedFd file(::open(packed.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    Header header{0, 0, 0};
    if (!file || ::read(file.get(), &header, sizeof header) != sizeof header) return 0;
    return header.magic == header_magic && header.length == sizeof header.identity ? header.identity
                                                                                   : 0;
}

} // namespace

Result<void> pack_file(const fs::path& raw, const fs::path& packed, const std::atomic<bool>& stop)
{
    const OwnedFd from(::open(raw.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!from) return Error::from_errno("open", raw);
    const fs::path partial = packed.native() + ".partial";
    ::unlink(partial.c_str());
    const OwnedFd to(::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!to) return Error::from_errno("open", partial);
    auto done = write_packed(from, to, partial, stop);
    if (done && ::rename(partial.c_str(), packed.c_str()) != 0)
        done = Error::from_errno("rename", partial);
    if (!done) {
        ::unlink(partial.c_str());
        return done;
    }
    // Deleted meanwhile, as too old or too many: then the copy goes as well.
    if (::unlink(raw.c_str()) != 0 && errno == ENOENT) ::unlink(packed.c_str());
    return {};
}

std::uint64_t rotated_identity(const LogNames& names, std::uint64_t sequence)
{
    const std::uint64_t identity = file_identity(names.rotated(sequence));
    return identity != 0 ? identity : packed_identity(names.packed(sequence));
}

void PackedReader::FreeContext::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

PackedReader::PackedReader(OwnedFd file)
    : file_(std::move(file)), context_(ZSTD_createDCtx()), input_(block, '\0')
{}

std::optional<PackedReader> PackedReader::open(const fs::path& packed)
{
    OwnedFd file(::open(packed.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file) return std::nullopt;
    PackedReader reader(std::move(file));
    if (!reader.context_) return std::nullopt;
    return reader;
}

std::size_t PackedReader::read(std::span<char> into)
{
    ZSTD_outBuffer output{into.data(), into.size(), 0};
    while (output.pos == 0) {
        if (input_at_ == input_end_) {
            const ssize_t got = ::read(file_.get(), input_.data(), input_.size());
            if (got <= 0) return 0;
            input_at_ = 0;
            input_end_ = static_cast<std::size_t>(got);
        }
        ZSTD_inBuffer input{input_.data(), input_end_, input_at_};
        const std::size_t left = ZSTD_decompressStream(context_.get(), &output, &input);
        input_at_ = input.pos;
        if (ZSTD_isError(left) != 0) {
            file_.reset();
            input_at_ = input_end_ = 0;
            return output.pos;
        }
    }
    return output.pos;
}

} // namespace keel::sys
