// The notifier: news from the desk to the channels that each unit names, and what is due on each
// channel out to its webhook or its command, one at a time.
//
// Promises: it never blocks the loop and has one timer; a receiver that hangs holds up its own
// channel only; a secret appears in nothing that it tells. A 2xx answer is an arrival, as is exit
// 0; everything else is tried again. It refuses to know what supervision decides.
#pragma once
#include "notify/channel.hpp"
#include "notify/commands.hpp"
#include "notify/desk.hpp"
#include "ports/loop.hpp"
#include "ports/notifier.hpp"
#include "transfer/http_client.hpp"

#include <memory>

namespace keel::notify {

struct NotifierOptions {
    std::string host;                               ///< the name of this one
    std::map<std::string, std::string> environment; ///< of commands, before what they are told
    std::function<SpawnId()> take_spawn_id;         ///< for each command
    /// A line for keeld's log.
    std::function<void(const std::string&)> tell;
};

class Notifier final : public ports::Notifier {
public:
    /// `kept` holds what has not arrived yet, over engines and boots. There are no channels yet.
    Notifier(ports::Loop& loop, ports::Spawner& spawner, ports::StateJournal& kept,
             NotifierOptions options);
    ~Notifier() override;

    /// Right after the engine's start, before the loop runs: takes up what earlier engines told,
    /// once this one has begun. `host` outlives this.
    void begin(const core::Host& host);

    // ---- ports::Notifier
    void heed(const core::Host& host, std::span<const core::HostNote> notes) override;
    [[nodiscard]] units::Channels channels() const override;
    void set_channels(const units::Channels& channels) override;
    [[nodiscard]] ports::NotificationCounts counts() const override;

    /// What it runs: their ends are to be told here.
    [[nodiscard]] Commands& commands() { return commands_; }
    /// Nothing is sent any more, what is on its way is broken off and will be sent again. `handler`
    /// is called once, later: when nothing of that lives, or after `at_most`.
    void end(Duration at_most, std::function<void()> handler);

private:
    struct Line;
    [[nodiscard]] Line* find(const std::string& channel) const;
    void erase_all_but(const units::Channels& channels);
    void go_on();
    void hand_out(std::vector<News> all);
    void advance();
    void send(const std::shared_ptr<Line>& line, const Notification& what);
    void run(Line& line, const Notification& what);
    void read_and_post(const std::shared_ptr<Line>& line, std::string body);
    void post(Line& line, transfer::HttpRequest request);
    void arrived_or_not(Line& line, const std::string& trouble);
    void rearm();

    ports::Loop& loop_;
    ports::StateJournal& kept_;
    const NotifierOptions options_;
    transfer::Resolver resolver_;
    transfer::HttpClient client_;
    const core::Host* host_ = nullptr; ///< from begin() on
    Desk desk_;
    Commands commands_;
    std::vector<std::shared_ptr<Line>> lines_; ///< after what they send by
    /// Where channels that are added take up from: what the journal recovered is of the start, and
    /// one that is taken away and given back begins anew.
    enum class Past : std::uint8_t { of_an_earlier_one, of_this_engine };
    Past past_ = Past::of_an_earlier_one;
    enum class Life : std::uint8_t { sends, ended } life_ = Life::sends;
    ports::Loop::Registration timer_;
    std::shared_ptr<char> alive_ = std::make_shared<char>(); ///< for what other threads do
};

} // namespace keel::notify
