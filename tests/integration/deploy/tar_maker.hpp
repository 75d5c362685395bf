// Makes tar archives byte by byte, so that they can hold what no tar program would write.
#pragma once
#include <archive.h>
#include <archive_entry.h>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

namespace keel::test {

/// A header of 512 bytes as POSIX has it (ustar), with a good checksum.
struct TarHeader {
    std::string name;
    char type = '0';
    std::uint64_t size = 0;
    unsigned mode = 0644;
    std::string target = {};
    std::int64_t modified = 1'700'000'000;
    /// Instead of the digits of `size`.
    std::string raw_size = {};

    [[nodiscard]] std::string bytes() const
    {
        std::string block(512, '\0');
        const auto put = [&](std::size_t at, const std::string& text) {
            block.replace(at, text.size(), text);
        };
        const auto octal = [](std::uint64_t value, int digits) {
            std::string text(static_cast<std::size_t>(digits), '0');
            for (auto digit = text.rbegin(); digit != text.rend(); ++digit, value /= 8)
                *digit = static_cast<char>('0' + value % 8);
            return text;
        };
        put(0, name.substr(0, 100));
        put(100, octal(mode, 7));
        put(108, octal(0, 7));
        put(116, octal(0, 7));
        put(124, raw_size.empty() ? octal(size, 11) : raw_size);
        put(136, octal(static_cast<std::uint64_t>(modified), 11));
        put(148, "        ");
        block[156] = type;
        put(157, target.substr(0, 100));
        put(257, std::string("ustar\00000", 8));
        std::uint64_t sum = 0;
        for (const char c : block)
            sum += static_cast<unsigned char>(c);
        put(148, octal(sum, 6) + std::string("\0 ", 2));
        return block;
    }
};

class Tar {
public:
    Tar& raw(const std::string& bytes)
    {
        bytes_ += bytes;
        return *this;
    }
    Tar& header(const TarHeader& header) { return raw(header.bytes()); }
    Tar& contents(const std::string& text)
    {
        return raw(text).raw(std::string((512 - text.size() % 512) % 512, '\0'));
    }
    Tar& file(const std::string& name, const std::string& text = "x", unsigned mode = 0644)
    {
        if (name.size() > 100) pax("path", name);
        return header({name, '0', text.size(), mode}).contents(text);
    }
    Tar& directory(const std::string& name, unsigned mode = 0755)
    {
        return header({name, '5', 0, mode});
    }
    Tar& link(const std::string& name, const std::string& target)
    {
        if (target.size() > 100) pax("linkpath", target);
        return header({name, '2', 0, 0777, target});
    }
    Tar& hard_link(const std::string& name, const std::string& target)
    {
        return header({name, '1', 0, 0644, target});
    }
    Tar& special(const std::string& name, char type) { return header({name, type}); }
    /// For the next header.
    Tar& pax(const std::string& key, const std::string& value)
    {
        return records(record(key, value));
    }
    Tar& records(const std::string& all) { return header({"pax", 'x', all.size()}).contents(all); }
    static std::string record(const std::string& key, const std::string& value)
    {
        // Its length counts its own digits.
        const std::string rest = " " + key + "=" + value + "\n";
        std::size_t size = rest.size();
        while (std::to_string(size).size() + rest.size() != size)
            size = std::to_string(size).size() + rest.size();
        return std::to_string(size) + rest;
    }

    [[nodiscard]] std::string unended() const { return bytes_; }
    [[nodiscard]] std::string end() const { return bytes_ + std::string(1024, '\0'); }

private:
    std::string bytes_;
};

/// A file that is written through a filter of libarchive, piece by piece.
class CompressedFile {
public:
    enum class By { gzip, zstd };

    CompressedFile(const std::filesystem::path& path, By by) : writer_(archive_write_new())
    {
        archive_write_set_format_raw(writer_);
        if (by == By::gzip) archive_write_add_filter_gzip(writer_);
        if (by == By::zstd) archive_write_add_filter_zstd(writer_);
        archive_write_set_filter_option(writer_, nullptr, "compression-level", "1");
        archive_entry* entry = archive_entry_new();
        archive_entry_set_filetype(entry, AE_IFREG);
        if (archive_write_open_filename(writer_, path.c_str()) != ARCHIVE_OK ||
            archive_write_header(writer_, entry) != ARCHIVE_OK)
            throw std::runtime_error(archive_error_string(writer_));
        archive_entry_free(entry);
    }
    ~CompressedFile() { archive_write_free(writer_); }
    CompressedFile(const CompressedFile&) = delete;
    CompressedFile& operator=(const CompressedFile&) = delete;

    void write(const std::string& bytes)
    {
        if (archive_write_data(writer_, bytes.data(), bytes.size()) < 0)
            throw std::runtime_error(archive_error_string(writer_));
    }

private:
    archive* writer_;
};

} // namespace keel::test
