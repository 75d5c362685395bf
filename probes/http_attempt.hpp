// An HTTP probe: the verdict is known at the answer's status line, unless the body has to match.
//
// The body is searched when it is complete or 64 KiB of it have come; what is behind that is
// neither read nor held against the target. A search that might take long is left to another
// thread.
#pragma once
#include "probes/attempt.hpp"
#include "transfer/http_client.hpp"
#include "units/spec.hpp"

#include <memory>
#include <string>

namespace keel::probes {

class HttpAttempt final : public Attempt {
public:
    static constexpr std::size_t body_max = 64U << 10;

    HttpAttempt(ports::Loop& loop, transfer::HttpClient& client, units::HttpTarget target,
                Duration timeout, Finished finished);

private:
    void begin() override;
    void on_timeout() override;
    void close() override { transfer_.reset(); }

    [[nodiscard]] transfer::Want on_head(int status);
    [[nodiscard]] transfer::Want on_body(std::string_view bytes);
    void on_end(const transfer::HttpEnd& end);
    void search();
    void judge_body(bool matches);
    [[nodiscard]] bool status_passes() const;

    transfer::HttpClient& client_;
    const units::HttpTarget target_;
    int status_ = 0; ///< 0: no head yet
    std::string body_;
    std::unique_ptr<transfer::HttpTransfer> transfer_;
    std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true); ///< a search holds it weakly
};

} // namespace keel::probes
