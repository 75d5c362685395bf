#include "notify/notifier.hpp"

#include "notify/bodies.hpp"
#include "units/token_file.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace keel::notify {

/// A channel with its end of the wire.
struct Notifier::Line {
    Channel channel;
    ports::Loop::Registration limit;
    std::unique_ptr<transfer::HttpTransfer> transfer;
    int status = 0;
    std::string latest_trouble; ///< told already; empty: the latest one arrived
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

} // namespace

Notifier::Notifier(ports::Loop& loop, ports::StateJournal& kept, NotifierOptions options)
    : loop_(loop), options_(std::move(options)), resolver_(loop), client_(loop, resolver_),
      desk_([this](const std::string& channel, const std::string& about) {
          const Line* line = find(channel);
          return line != nullptr && line->channel.knows(about);
      })
{
    for (const auto& [name, spec] : options_.channels)
        lines_.push_back(
            std::make_unique<Line>(Line{Channel(name, spec, kept, loop_.now()), {}, {}, 0, {}}));
}

Notifier::~Notifier() = default;

Notifier::Line* Notifier::find(const std::string& channel) const
{
    const auto found = std::ranges::find_if(
        lines_, [&](const auto& line) { return line->channel.name() == channel; });
    return found == lines_.end() ? nullptr : found->get();
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
    if (host_ == nullptr) return; // go_on() comes in this very turn.
    hand_out(desk_.gathered(*host_, loop_.now().mono));
    for (const auto& line : lines_) {
        forget_who_is_told_no_longer(*host_, line->channel);
        line->channel.tick(loop_.now());
        if (const Notification* what = line->channel.send(loop_.now())) send(*line, *what);
    }
    rearm();
}

void Notifier::send(Line& line, const Notification& what)
{
    const units::ChannelSpec& spec = line.channel.spec();
    auto body = body_of(what, spec, options_.host, loop_.now().wall);
    if (spec.target_file.empty() && spec.token_file.empty())
        return post(line, request_for(spec, {}, std::move(body)));
    auto secrets = std::make_shared<Secrets>();
    loop_.offload([secrets, spec] { *secrets = read_secrets(spec); },
                  [this, secrets, &line, body = std::move(body), alive = std::weak_ptr(alive_)] {
                      if (alive.expired()) return;
                      if (!secrets->trouble.empty()) return arrived_or_not(line, secrets->trouble);
                      post(line, request_for(line.channel.spec(), *secrets, body));
                  });
}

void Notifier::post(Line& line, transfer::HttpRequest request)
{
    line.status = 0;
    line.limit = loop_.after(options_.answer_time, [this, &line] {
        arrived_or_not(line, "no answer within " + to_text(options_.answer_time));
    });
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
    line.limit.reset();
    line.transfer.reset(); // Also from inside of its end.
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
    if (!due) return;
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
