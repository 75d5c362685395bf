// One connection that speaks TLS to the outside and plainly to the inside; private to TlsFront.
//
// It never blocks: pump() moves what can be moved at once, in both directions, and is called again
// when one of the two descriptors has changed. Of either direction it holds at most one buffer.
// Whoever speaks plain HTTP to it is told, plainly, that this port speaks TLS.
#pragma once
#include "base/owned_fd.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

struct ssl_st;     // of OpenSSL
struct ssl_ctx_st; // the same

namespace keel::control {

class TlsLink {
public:
    /// Both descriptors are non-blocking.
    TlsLink(ssl_ctx_st& context, OwnedFd outside, OwnedFd inside);
    ~TlsLink();
    TlsLink(const TlsLink&) = delete;
    TlsLink& operator=(const TlsLink&) = delete;

    /// `again`: there is more to move, but others should have their turn.
    enum class Next : std::uint8_t { wait, again, over };
    Next pump();

    /// The inside has said all; what is left, here or still on its way, is for the outside to take.
    [[nodiscard]] bool is_leaving() const;
    [[nodiscard]] int outside() const { return outside_.get(); }
    [[nodiscard]] int inside() const { return inside_.get(); }

private:
    struct Buffer {
        std::array<char, 16U << 10> bytes;
        std::size_t from = 0, to = 0;
        [[nodiscard]] bool empty() const { return from == to; }
        [[nodiscard]] std::string_view text() const { return {bytes.data() + from, to - from}; }
        void fill(std::size_t count) { from = 0, to = count; }
    };

    Next shake_hands();
    bool read_outside();
    bool write_inside();
    bool read_inside();
    bool write_outside();
    [[nodiscard]] bool wants_more(int outcome);

    OwnedFd outside_, inside_;
    std::unique_ptr<ssl_st, void (*)(ssl_st*)> ssl_;
    Buffer inward_, outward_;
    bool shaken_ = false;
    bool outside_ended_ = false, told_inside_ = false;
    bool inside_ended_ = false;
    bool broken_ = false; ///< nothing more can be said to the outside
};

} // namespace keel::control
