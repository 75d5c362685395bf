#include "deploy/http_source.hpp"

#include "base/text.hpp"
#include "deploy/failed.hpp"
#include "deploy/files.hpp"
#include "deploy/http_head.hpp"
#include "deploy/limits.hpp"
#include "deploy/retry.hpp"
#include "deploy/source_name.hpp"

#include <algorithm>
#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <optional>

namespace keel::deploy {
namespace {

constexpr std::uint64_t unwanted_bytes_max = 64U << 10; ///< of an answer that is not the file

struct FreeEasy {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeUrl {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

bool is_transient(CURLcode code)
{
    switch (static_cast<int>(code)) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_ABORTED_BY_CALLBACK: // by on_time()
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SSL_CONNECT_ERROR: return true;
    default: return false;
    }
}

bool is_transient(long status) { return status == 408 || status == 429 || status >= 500; }
bool is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

class Transfer {
public:
    explicit Transfer(const Download& what) : what_(what), easy_(curl_easy_init())
    {
        if (!easy_) throw std::bad_alloc();
    }

    void run()
    {
        Retry retry(what_.time_limit);
        while (const auto trouble = attempt(retry)) {
            if (*trouble == begun_anew) continue;
            retry.again(shown_source(url_), *trouble, offset_ + got_, retry_after());
        }
    }

private:
    inline static const std::string begun_anew = "begun anew";

    /// One request and the redirects that follow it. None: the file is complete.
    std::optional<std::string> attempt(Retry& retry)
    {
        url_ = what_.url;
        for (int redirects = 0; redirects <= redirects_max; ++redirects) {
            prepare(retry.left());
            const CURLcode code = curl_easy_perform(easy_.get());
            if (thrown_) std::rethrow_exception(thrown_);
            status_ = info<long>(CURLINFO_RESPONSE_CODE);
            const bool is_cut = code == CURLE_WRITE_ERROR && unwanted_ > unwanted_bytes_max;
            if (is_transient(code)) return trouble_of(code);
            if (code != CURLE_OK && !is_cut) fail(trouble_of(code));
            if (!is_redirect(status_)) return conclude();
            redirect();
        }
        fail(fmt::format("more than {} redirects", redirects_max));
    }

    std::string trouble_of(CURLcode code)
    {
        if (code == CURLE_ABORTED_BY_CALLBACK) return "the transfer has stalled";
        return error_[0] != 0 ? error_.data() : curl_easy_strerror(code);
    }

    std::optional<std::string> conclude()
    {
        if (status_ == 416 && offset_ > 0) return begin_anew();
        if (status_ != 200 && status_ != 206) return refused();
        if (!begun_) begin_file(); // an empty file
        if (misplaced_ && offset_ == 0) fail("the server answers with a part of it unasked");
        if (misplaced_) return begin_anew();
        return std::nullopt;
    }

    std::string refused()
    {
        if (!is_transient(status_)) fail(fmt::format("the server answers {}", status_));
        return fmt::format("the server answers {}", status_);
    }

    [[noreturn]] void fail(const std::string& why) const
    {
        throw Failed(Fault::source, fmt::format("{}: {}", shown_source(url_), why));
    }

    /// What is there cannot be continued. It happens once at most, as nothing is there afterwards.
    std::string begin_anew()
    {
        truncate();
        return begun_anew;
    }

    void redirect()
    {
        const std::string to = resolved(head_.location);
        const auto kind = source_kind(to);
        if (to.empty()) fail("a redirect to nowhere");
        if (kind == SourceKind::local) fail("a redirect to what is neither http nor https");
        if (kind == SourceKind::http && source_kind(url_) == SourceKind::https)
            fail(fmt::format("a redirect from https to http: {}", shown_source(to)));
        url_ = to;
    }

    /// As a whole URL, relative to where this one is. libcurl tells it only after a whole answer.
    [[nodiscard]] std::string resolved(const std::string& location) const
    {
        const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
        char* whole = nullptr;
        if (location.empty() || !url ||
            curl_url_set(url.get(), CURLUPART_URL, url_.c_str(), 0) != CURLUE_OK ||
            curl_url_set(url.get(), CURLUPART_URL, location.c_str(), CURLU_NON_SUPPORT_SCHEME) !=
                CURLUE_OK ||
            curl_url_get(url.get(), CURLUPART_URL, &whole, 0) != CURLUE_OK)
            return {};
        std::string text(whole);
        curl_free(whole);
        return text;
    }

    // ---- setting up ----------------------------------------------------------------------------

    template <class Value> void set(CURLoption option, Value value)
    {
        curl_easy_setopt(easy_.get(), option, value);
    }
    template <class Value> [[nodiscard]] Value info(CURLINFO which) const
    {
        Value value{};
        curl_easy_getinfo(easy_.get(), which, &value);
        return value;
    }

    void prepare(std::chrono::milliseconds left)
    {
        curl_easy_reset(easy_.get());
        head_ = {};
        got_ = unwanted_ = 0;
        begun_ = misplaced_ = false;
        error_[0] = 0;
        set(CURLOPT_URL, url_.c_str());
        set(CURLOPT_ERRORBUFFER, error_.data());
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_PROXY, "");
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
        set(CURLOPT_USERAGENT, "keel");
        set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(connect_within.count()));
        set(CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
        set(CURLOPT_HEADERFUNCTION, on_header);
        set(CURLOPT_HEADERDATA, this);
        set(CURLOPT_WRITEFUNCTION, on_bytes);
        set(CURLOPT_WRITEDATA, this);
        // Finer than libcurl's own limit of speed, which counts whole seconds.
        set(CURLOPT_NOPROGRESS, 0L);
        set(CURLOPT_XFERINFOFUNCTION, on_time);
        set(CURLOPT_XFERINFODATA, this);
        moved_at_ = std::chrono::steady_clock::now();
        moved_to_ = 0;
        set_certificates();
        set_range();
    }

    void set_certificates()
    {
        if (what_.ca_bundle.empty()) return;
        curl_blob blob{};
        blob.data = const_cast<char*>(what_.ca_bundle.data());
        blob.len = what_.ca_bundle.size();
        blob.flags = CURL_BLOB_NOCOPY;
        set(CURLOPT_CAINFO_BLOB, &blob);
    }

    /// Asks for the rest of what is there, if it can be told that it is of the same file.
    void set_range()
    {
        offset_ = 0;
        headers_.reset();
        const std::string validator = kept_validator();
        if (validator.empty()) return;
        offset_ = static_cast<std::uint64_t>(stat_of(what_.file, "the download").st_size);
        if (offset_ == 0) return;
        headers_.reset(curl_slist_append(nullptr, ("If-Range: " + validator).c_str()));
        set(CURLOPT_HTTPHEADER, headers_.get());
        range_ = fmt::format("{}-", offset_);
        set(CURLOPT_RANGE, range_.c_str());
    }

    [[nodiscard]] std::string kept_validator() const
    {
        if (what_.resume < 0) return {};
        const std::string text =
            read_small(what_.resume, what_.mark.size() + validator_bytes_max + 2, "the download");
        const std::string begin = what_.mark + "\n";
        if (!text.starts_with(begin) || !text.ends_with('\n')) return {};
        return text.substr(begin.size(), text.size() - begin.size() - 1);
    }

    [[nodiscard]] std::chrono::milliseconds retry_after() const
    {
        const auto wanted = info<curl_off_t>(CURLINFO_RETRY_AFTER);
        return std::clamp<std::chrono::milliseconds>(
            std::chrono::seconds(std::min<curl_off_t>(wanted, retry_after_max.count())),
            std::chrono::milliseconds(0), retry_after_max);
    }

    // ---- what comes ----------------------------------------------------------------------------

    static std::size_t on_header(char* line, std::size_t, std::size_t size, void* self)
    {
        static_cast<Transfer*>(self)->head_.take({line, size});
        return size;
    }

    static std::size_t on_bytes(char* bytes, std::size_t, std::size_t size, void* self)
    {
        auto& own = *static_cast<Transfer*>(self);
        try {
            return own.take({bytes, size});
        } catch (...) {
            own.thrown_ = std::current_exception();
            return 0;
        }
    }

    /// A transfer that has not moved for so long has failed.
    static int on_time(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t)
    {
        auto& own = *static_cast<Transfer*>(self);
        const auto now = std::chrono::steady_clock::now();
        if (own.moved_to_ != own.got_ + own.unwanted_) {
            own.moved_to_ = own.got_ + own.unwanted_;
            own.moved_at_ = now;
        }
        return now - own.moved_at_ > own.what_.stall ? 1 : 0;
    }

    std::size_t take(std::span<const char> bytes)
    {
        const auto status = info<long>(CURLINFO_RESPONSE_CODE);
        if (status != 200 && status != 206) {
            unwanted_ += bytes.size();
            return unwanted_ > unwanted_bytes_max ? 0 : bytes.size();
        }
        if (!begun_) begin_file();
        if (misplaced_) return bytes.size();
        if (offset_ + got_ + bytes.size() > what_.bytes_max) too_large();
        write_all(what_.file, bytes, "the download");
        got_ += bytes.size();
        what_.progress(offset_ + got_, total_);
        return bytes.size();
    }

    /// The head is complete: is this the rest of what is there, or the whole?
    void begin_file()
    {
        begun_ = true;
        const bool continues = info<long>(CURLINFO_RESPONSE_CODE) == 206;
        if (continues && (offset_ == 0 || head_.range_begin() != offset_)) {
            misplaced_ = true;
            return;
        }
        if (!continues) {
            truncate();
            keep_validator(head_.validator());
        }
        const auto length = info<curl_off_t>(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T);
        total_ = length > 0 ? offset_ + static_cast<std::uint64_t>(length) : 0;
        if (total_ > what_.bytes_max) too_large();
        if (length > 0) need_room(what_.file, static_cast<std::uint64_t>(length));
        if (::lseek(what_.file, 0, SEEK_END) < 0) fail_by_errno("write", "the download");
        if (offset_ > 0) say(fmt::format("{}: going on at byte {}", shown_source(url_), offset_));
    }

    [[noreturn]] void too_large() const
    {
        throw Failed(Fault::release, fmt::format("{}: is larger than {}", shown_source(url_),
                                                 size_to_text(what_.bytes_max)));
    }

    /// The word on a version goes before its bytes, and after those of another.
    void truncate()
    {
        if (::ftruncate(what_.file, 0) != 0) fail_by_errno("write", "the download");
        offset_ = 0;
    }

    void keep_validator(const std::string& validator) const
    {
        if (what_.resume < 0) return;
        if (::ftruncate(what_.resume, 0) != 0 || ::lseek(what_.resume, 0, SEEK_SET) != 0)
            fail_by_errno("write", "the download");
        if (!validator.empty())
            write_all(what_.resume, what_.mark + "\n" + validator + "\n", "the download");
    }

    const Download& what_;
    std::unique_ptr<CURL, FreeEasy> easy_;
    std::unique_ptr<curl_slist, FreeList> headers_;
    std::string url_; ///< after redirects
    std::string range_;
    std::array<char, CURL_ERROR_SIZE> error_{};
    std::exception_ptr thrown_;
    HttpHead head_;
    long status_ = 0;
    std::uint64_t offset_ = 0; ///< of the first byte that is asked for
    std::uint64_t got_ = 0;
    std::uint64_t unwanted_ = 0;
    std::uint64_t total_ = 0; ///< 0: not known
    bool begun_ = false;
    bool misplaced_ = false; ///< a part that was not asked for
    std::chrono::steady_clock::time_point moved_at_;
    std::uint64_t moved_to_ = 0;
};

} // namespace

void download(const Download& what)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        throw Failed(Fault::host, "libcurl cannot be used");
    Transfer(what).run();
}

} // namespace keel::deploy
