// The notifier: news from the desk to the channels that each unit names, and what is due on each
// channel out to its webhook, one at a time.
//
// Promises: it never blocks the loop and has one timer; a receiver that hangs holds up its own
// channel only; a secret appears in nothing that it tells. A 2xx answer is an arrival, everything
// else is tried again. It refuses to know what supervision decides.
#pragma once
#include "notify/channel.hpp"
#include "notify/desk.hpp"
#include "ports/loop.hpp"
#include "ports/notifier.hpp"
#include "transfer/http_client.hpp"

#include <memory>

namespace keel::notify {

struct NotifierOptions {
    units::Channels channels;
    std::string host;                                ///< the name of this one
    Duration answer_time = std::chrono::seconds(10); ///< from connecting to the whole answer
    /// A line for keeld's log.
    std::function<void(const std::string&)> tell;
};

class Notifier final : public ports::Notifier {
public:
    /// `kept` holds what has not arrived yet, over engines and boots.
    Notifier(ports::Loop& loop, ports::StateJournal& kept, NotifierOptions options);
    ~Notifier() override;

    /// Right after the engine's start, before the loop runs: takes up what earlier engines told,
    /// once this one has begun. `host` outlives this.
    void begin(const core::Host& host);

    // ---- ports::Notifier
    void heed(const core::Host& host, std::span<const core::HostNote> notes) override;
    [[nodiscard]] ports::NotificationCounts counts() const override;

private:
    struct Line;
    [[nodiscard]] Line* find(const std::string& channel) const;
    void go_on();
    void hand_out(std::vector<News> all);
    void advance();
    void send(Line& line, const Notification& what);
    void post(Line& line, transfer::HttpRequest request);
    void arrived_or_not(Line& line, const std::string& trouble);
    void rearm();

    ports::Loop& loop_;
    NotifierOptions options_;
    transfer::Resolver resolver_;
    transfer::HttpClient client_;
    const core::Host* host_ = nullptr; ///< from begin() on
    Desk desk_;
    std::vector<std::unique_ptr<Line>> lines_;
    ports::Loop::Registration timer_;
    std::shared_ptr<char> alive_ = std::make_shared<char>(); ///< for what other threads do
};

} // namespace keel::notify
