#include "notify/notifier.hpp"

#include "notify/bodies.hpp"
#include "units/placeholders.hpp"
#include "units/token_file.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::notify {

/// A channel with its end of the wire.
struct Notifier::Line {
    Channel channel;
    ports::Loop::Registration limit;
    std::unique_ptr<transfer::HttpTransfer> transfer;
    std::unique_ptr<Commands::Handle> command;
    int status = 0;
    std::string latest_trouble{}; ///< told already; empty: the latest one arrived
    std::uint64_t tries = 0;      ///< that are over: what comes late of one of them is void
    enum class Files : std::uint8_t { free, being_read } files = Files::free;
};

namespace {

/// What a channel's files say, or why they cannot be read.
struct Secrets {
    std::string url;
    std::string token;
    std::string trouble;
};

/// Read each time: a secret is changed by writing another one there.
Secrets read_secrets(const units::ChannelSpec& spec)
{
    Secrets secrets;
    const auto secret_in = [&](const std::string& path) -> std::string {
        if (path.empty()) return {};
        auto secret = units::read_secret(path);
        if (const auto* mistake = std::get_if<units::Mistake>(&secret)) {
            secrets.trouble = fmt::format("{} {}", path, mistake->message);
            return {};
        }
        return std::get<std::string>(std::move(secret));
    };
    secrets.url = secret_in(spec.target_file);
    secrets.token = secret_in(spec.token_file);
    return secrets;
}

transfer::HttpRequest request_for(const units::ChannelSpec& spec, const Secrets& secrets,
                                  std::string body)
{
    transfer::HttpRequest request;
    request.method = "POST";
    request.url = spec.target_file.empty() ? spec.target : secrets.url;
    request.headers["Content-Type"] = "application/json";
    if (!secrets.token.empty()) request.headers["Authorization"] = "Bearer " + secrets.token;
    request.body = std::move(body);
    return request;
}

/// A unit may name other channels than when its outage began.
void forget_who_is_told_no_longer(const core::Host& host, Channel& channel)
{
    channel.forget_unless([&](const std::string& name) {
        const auto unit = host.find(name);
        // Of one that is gone, or whose file is broken, nobody knows whom it names.
        if (!unit || !host.unit(*unit).config_problem.empty()) return true;
        const auto& named = host.spec(*unit).notify;
        return std::ranges::find(named, channel.name()) != named.end();
    });
}

Command command_for(const units::ChannelSpec& spec, const Notification& what)
{
    Command command;
    command.unit = what.unit;
    command.argv = units::fill(spec.command, {what.unit, {}, {}, {}, {}});
    command.timeout = spec.timeout;
    return command;
}

} // namespace

Notifier::Notifier(ports::Loop& loop, ports::Spawner& spawner, ports::StateJournal& kept,
                   NotifierOptions options)
    : loop_(loop), kept_(kept), options_(std::move(options)), resolver_(loop),
      client_(loop, resolver_), desk_([this](const std::string& channel, const std::string& about) {
          const Line* line = find(channel);
          return line != nullptr && line->channel.knows(about);
      }),
      commands_(loop, spawner, options_.take_spawn_id)
{}

Notifier::~Notifier() = default;

Notifier::Line* Notifier::find(const std::string& channel) const
{
    const auto found = std::ranges::find_if(
        lines_, [&](const auto& line) { return line->channel.name() == channel; });
    return found == lines_.end() ? nullptr : found->get();
}

units::Channels Notifier::channels() const
{
    units::Channels all;
    for (const auto& line : lines_)
        all.emplace(line->channel.name(), line->channel.spec());
    return all;
}

/// What is kept of channels that were taken away while keeld was not there.
void Notifier::erase_all_but(const units::Channels& channels)
{
    for (const auto& [key, record] : kept_.recovered())
        if (!channels.contains(key.substr(0, key.find('/')))) kept_.erase(key);
}

void Notifier::set_channels(const units::Channels& channels)
{
    const Past past = std::exchange(past_, Past::of_this_engine);
    if (past == Past::of_an_earlier_one) erase_all_but(channels);
    if (channels == this->channels()) return;
    std::erase_if(lines_, [&](const auto& line) {
        const bool goes = !channels.contains(line->channel.name());
        if (goes) line->channel.forget();
        return goes;
    });
    for (const auto& [name, spec] : channels) {
        Line* known = find(name);
        if (known == nullptr) {
            lines_.push_back(std::make_shared<Line>(Line{Channel(name, spec, kept_), {}, {}, {}}));
            if (past == Past::of_an_earlier_one) lines_.back()->channel.recover(loop_.now());
        } else if (known->channel.spec() != spec) {
            known->channel.respecify(spec, loop_.now());
        }
    }
    if (host_ != nullptr) go_on();
}

void Notifier::end(Duration at_most, std::function<void()> handler)
{
    life_ = Life::ended;
    timer_.reset();
    for (const auto& line : lines_) {
        line->limit.reset();
        line->transfer.reset();
        line->command.reset();
    }
    commands_.when_idle(at_most, std::move(handler));
}

/// What the engine has put off to its first turn comes before.
void Notifier::begin(const core::Host& host)
{
    loop_.defer([this, &host, alive = std::weak_ptr(alive_)] {
        if (alive.expired()) return;
        host_ = &host;
        go_on();
    });
}

void Notifier::go_on()
{
    const auto is_open = [&](const std::string& wanted) {
        return std::ranges::any_of(host_->start_order(), [&](UnitId unit) {
            const core::Outage* open = core::open_outage(host_->unit(unit).outage);
            return open != nullptr && about(*open) == wanted;
        });
    };
    std::vector<News> told;
    for (const auto& line : lines_) {
        line->channel.settle(is_open);
        for (Notification& what : line->channel.open())
            told.push_back({std::move(what), {line->channel.name()}});
    }
    hand_out(desk_.begin(*host_, std::move(told), loop_.now()));
    advance();
}

void Notifier::heed(const core::Host& host, std::span<const core::HostNote> notes)
{
    if (lines_.empty() || notes.empty()) return;
    auto news = desk_.heed(host, notes, loop_.now());
    if (!news.empty()) hand_out(std::move(news));
    rearm();
}

void Notifier::hand_out(std::vector<News> all)
{
    for (News& news : all)
        for (const auto& line : lines_)
            if (std::ranges::find(news.channels, line->channel.name()) != news.channels.end())
                line->channel.take(news.what, loop_.now());
}

void Notifier::advance()
{
    if (host_ == nullptr || life_ == Life::ended) return; // Or go_on() comes in this very turn.
    hand_out(desk_.gathered(*host_, loop_.now().mono));
    for (const auto& line : lines_) {
        forget_who_is_told_no_longer(*host_, line->channel);
        line->channel.tick(loop_.now());
        if (const Notification* what = line->channel.send(loop_.now())) send(line, *what);
    }
    rearm();
}

void Notifier::send(const std::shared_ptr<Line>& line, const Notification& what)
{
    const units::ChannelSpec& spec = line->channel.spec();
    if (spec.kind == units::ChannelKind::exec) return run(*line, what);
    line->limit = loop_.after(spec.timeout, [this, &its = *line, timeout = spec.timeout] {
        arrived_or_not(its, "no answer within " + to_text(timeout));
    });
    auto body = body_of(what, spec, options_.host, loop_.now().wall);
    if (spec.target_file.empty() && spec.token_file.empty())
        return post(*line, request_for(spec, {}, std::move(body)));
    read_and_post(line, std::move(body));
}

void Notifier::read_and_post(const std::shared_ptr<Line>& line, std::string body)
{
    // A disk that hangs is asked once, and each try has its limit.
    if (std::exchange(line->files, Line::Files::being_read) == Line::Files::being_read) return;
    auto secrets = std::make_shared<Secrets>();
    const units::ChannelSpec& spec = line->channel.spec();
    loop_.offload([secrets, spec] { *secrets = read_secrets(spec); },
                  [this, secrets, spec, its = std::weak_ptr(line), tries = line->tries,
                   body = std::move(body)] {
                      const auto still = its.lock(); // The channel, and with it the notifier.
                      if (!still) return;
                      still->files = Line::Files::free;
                      if (still->tries != tries || life_ == Life::ended) return;
                      if (still->channel.spec() != spec) {
                          // The secret of one target is no business of another.
                          still->limit.reset();
                          still->channel.take_back();
                          return rearm();
                      }
                      if (!secrets->trouble.empty())
                          return arrived_or_not(*still, secrets->trouble);
                      post(*still, request_for(spec, *secrets, body));
                  });
}

void Notifier::run(Line& line, const Notification& what)
{
    const units::ChannelSpec& spec = line.channel.spec();
    Command command = command_for(spec, what);
    command.input = body_of(what, spec, options_.host, loop_.now().wall) + "\n";
    command.environment = options_.environment;
    command.environment["KEEL_CHANNEL"] = line.channel.name();
    command.environment["KEEL_EVENT"] = name(what.occasion);
    command.environment["KEEL_ID"] = what.id;
    command.environment["KEEL_HOST"] = options_.host;
    command.environment["KEEL_TEXT"] = sentence(what, what.unit);
    line.command = commands_.start(
        command, [this, &line](const std::string& trouble) { arrived_or_not(line, trouble); });
}

void Notifier::post(Line& line, transfer::HttpRequest request)
{
    line.status = 0;
    const auto on_head = [&line](int status) {
        line.status = status;
        return transfer::Want::enough;
    };
    const auto on_end = [this, &line](const transfer::HttpEnd& end) {
        if (line.status / 100 == 2) return arrived_or_not(line, "");
        arrived_or_not(line, line.status != 0 ? fmt::format("status {}", line.status) : end.text);
    };
    line.transfer =
        client_.start(std::move(request),
                      {on_head, [](std::string_view) { return transfer::Want::enough; }, on_end});
}

/// No trouble: it has arrived. Told when it changes, not with each try.
void Notifier::arrived_or_not(Line& line, const std::string& trouble)
{
    ++line.tries;
    line.limit.reset();
    line.transfer.reset(); // Also from inside of its end.
    line.command.reset();  // It is over.
    if (trouble.empty())
        line.channel.arrived();
    else
        line.channel.failed(loop_.now().mono);
    if (trouble != line.latest_trouble && options_.tell)
        options_.tell(trouble.empty()
                          ? fmt::format("channel {} works again", line.channel.name())
                          : fmt::format("channel {}: {}; {} to be told, it is tried again",
                                        line.channel.name(), trouble, line.channel.waiting()));
    line.latest_trouble = trouble;
    rearm();
}

/// One timer for the desk and all channels; what is due already, in the next turn.
void Notifier::rearm()
{
    auto due = desk_.deadline();
    for (const auto& line : lines_)
        if (const auto other = line->channel.deadline())
            due = std::min(due.value_or(*other), *other);
    timer_.reset();
    if (!due || life_ == Life::ended) return;
    timer_ = loop_.after(std::max(Duration{0}, *due - loop_.now().mono), [this] { advance(); });
}

ports::NotificationCounts Notifier::counts() const
{
    ports::NotificationCounts all;
    for (const auto& line : lines_)
        all[line->channel.name()] = line->channel.counts();
    return all;
}

} // namespace keel::notify
