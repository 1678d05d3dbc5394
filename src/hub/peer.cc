#include "hub/peer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "hub/verify.h"
#include "tombolo/error.h"
#include "wire/codec.h"
#include "wire/version.h"

namespace tombolo::hub {

namespace {

// A device proves itself every heartbeat_idle. Three are missed before we believe that it is gone: it may be applying something long.
constexpr int64_t silence_max = 3 * limits::heartbeat_idle + limits::heartbeat_answer;

// A fleet that lost its hub comes back over this time: one handshake costs some milliseconds and a look at the file. Chance makes some
// seconds fuller than others; with this, none of 500 devices' sees more than 50.
constexpr int64_t retry_spread_per_peer = 35 * limits::millisecond;

int64_t retry_spread(const PeerWorld& world) { return std::max<int64_t>(limits::second, static_cast<int64_t>(world.peers) * retry_spread_per_peer); }

Error protocol_error(std::string sentence) { return Error(ErrorCode::protocol, std::move(sentence)); }

}  // namespace

void Peer::receive(std::string_view bytes, BootTime now, PeerWorld world) {
    if (state_ == State::closed) return;
    heard_at_ = now;
    try {
        const auto fragment = wire::read_fragment(bytes);
        if (fragment && feed_) return collect(*fragment, world);
        const size_t size_max = state_ == State::greeting ? limits::message_bytes_max_before_welcome : limits::message_bytes_max;
        handle(wire::decode(bytes, size_max), world);
    } catch (const Error& error) {
        refuse(error, 0, world);
    }
}

// On disk while it comes; in memory only while it is taken in, which no two are at a time.
void Peer::collect(const wire::Fragment& fragment, PeerWorld world) {
    if (!arriving_) arriving_.emplace(space_->store().make_spool(limits::spool_bytes_min));
    if (arriving_->bytes() + fragment.bytes.size() > limits::message_bytes_max) throw Error(ErrorCode::too_large, "a message is over the limit");
    arriving_->append(std::string(fragment.bytes));
    if (!fragment.last) return;
    std::string message;
    message.reserve(arriving_->bytes());
    for (size_t i = 0; i < arriving_->pieces(); ++i)
        message += arriving_->piece(i);
    arriving_.reset();
    handle(wire::decode(message, limits::message_bytes_max), world);
}

void Peer::handle(const wire::Message& message, PeerWorld world) {
    if (state_ == State::greeting) {
        const auto* hello = std::get_if<wire::Hello>(&message);
        if (hello == nullptr) throw protocol_error(fmt::format("the conversation begins with Hello, not with {}", wire::name(message)));
        return greet(*hello, world);
    }
    if (!feed_) throw protocol_error("after a Hello that only asks for the schema nothing more is said");
    if (const auto* part = std::get_if<wire::PushPart>(&message)) return push(*part, world);
    if (const auto* base = std::get_if<wire::BaseText>(&message)) return take_base(*base);
    if (const auto* cursor = std::get_if<wire::Applied>(&message)) return applied(*cursor);
    if (const auto* ping = std::get_if<wire::Ping>(&message)) return pong(*ping, world);
    if (const auto* request = std::get_if<wire::VerifyRequest>(&message)) return verify(*request, world);
    throw protocol_error(fmt::format("a device does not say {} here", wire::name(message)));
}

// --- greeting ---

void Peer::greet(const wire::Hello& hello, PeerWorld world) {
    require_speakable(hello);
    const store::SpaceState& state = space_->store().state();
    wire::Welcome welcome;
    welcome.protocol = wire::protocol_version;
    welcome.program = world.program;
    welcome.space_id = state.space_id;
    welcome.epoch = state.epoch;
    welcome.head = state.head;
    welcome.hub_time = space_->time_now();
    welcome.retry_spread = retry_spread(world);
    if (hello.schema_hash != space_->schema_hash()) welcome.schema = space_->store().schema();
    state_ = State::open;
    if (hello.schema_only) return send(welcome, world);

    const store::SiteRecord record = register_site(hello);
    welcome.site_number = record.number;
    welcome.last_number = record.last_number;
    welcome.last_id = record.last_id;
    welcome.last_stamp = record.last_stamp;
    start_feed(hello, record, welcome);
    send(welcome, world);
    feed(world);
}

void Peer::require_speakable(const wire::Hello& hello) const {
    if (hello.protocol < wire::protocol_oldest) {
        throw Error(ErrorCode::protocol,
                    fmt::format("the device speaks protocol {}, and this hub understands {} and newer", hello.protocol, wire::protocol_oldest),
                    "update the device");
    }
    if (space_ == nullptr) throw Error(ErrorCode::wrong_hub, fmt::format("this hub has no space named {}", space_name_), "correct the address");
    if (hello.space != space_name_)
        throw Error(ErrorCode::wrong_hub, fmt::format("the address says space {}, the device says {}", space_name_, hello.space));
}

store::SiteRecord Peer::register_site(const wire::Hello& hello) {
    if (hello.site.is_nil()) throw protocol_error("a site's id is not zero");
    const Space::LastKnown known = space_->last_known(hello.site);
    const bool same = known.number != hello.last_number || known.id == hello.last_id;
    if (known.number > hello.last_number || !same) {
        throw Error(ErrorCode::diverged_copy,
                    fmt::format("this device file is a copy or an older state of another: the hub knows transaction {} of it, the file ends at {}",
                                known.number.value, hello.last_number.value),
                    "only one of the copies can go on; make a new device for the other");
    }
    site_id_ = hello.site;
    const store::SiteRecord record = space_->store().add_site(hello.site);
    site_ = record.number;
    return record;
}

bool Peer::start_feed(const wire::Hello& hello, const store::SiteRecord& record, wire::Welcome& welcome) {
    const store::SpaceState& state = space_->store().state();
    const Seq cursor = hello.cursor.seq;
    const bool is_new = cursor.value == 0 && record.last_number.value == 0;
    const bool of_other_history = cursor.value != 0 && (hello.cursor.epoch != state.epoch || cursor > state.head);
    welcome.rebuild = of_other_history || (cursor < state.horizon && !is_new);
    feed_.emplace(space_->store(), site_, cursor);
    if (welcome.rebuild) feed_->rebuild();
    welcome.resumed = hello.resume && feed_->resume(*hello.resume);
    return welcome.resumed;
}

// --- pushing ---

void Peer::push(const wire::PushPart& part, PeerWorld world) {
    if (!asked_bases_.empty()) return;  // it had not heard of the request yet, and sends this again
    if (part.first == assembly_.has_value())
        throw protocol_error(part.first ? "a transaction begins before the one before it has ended"
                                        : "a part of a transaction came before its first");
    if (part.first) begin_transaction(part);
    if (assembly_->header.number != part.number) throw protocol_error("parts of two transactions are mixed");
    collect(part);
    if (part.last) finish_transaction(world);
}

void Peer::collect(const wire::PushPart& part) {
    if (!assembly_->parts || assembly_->too_large) return;
    if (assembly_->parts->bytes() + part.rows.size() <= limits::transaction_bytes_max) return assembly_->parts->append(part.rows);
    assembly_->too_large = true;
    assembly_->parts.emplace(space_->store().make_spool(limits::spool_bytes_min));
}

void Peer::begin_transaction(const wire::PushPart& part) {
    if (part.header.number != part.number || part.number.value == 0) throw protocol_error("a transaction's number and its header's differ");
    assembly_.emplace();
    assembly_->header = part.header;
    const Space::LastKnown known = space_->last_known(site_id_);
    if (part.number.value > known.number.value + 1) {
        throw protocol_error(fmt::format("transaction {} came, but {} is the next", part.number.value, known.number.value + 1));
    }
    if (part.number == known.number && part.header.id != known.id) {
        throw Error(ErrorCode::diverged_copy,
                    fmt::format("transaction {} of this device was already made by another copy of its file", part.number.value));
    }
    if (part.number > known.number) assembly_->parts.emplace(space_->store().make_spool(limits::spool_bytes_min));
}

void Peer::finish_transaction(PeerWorld world) {
    Assembly assembly = std::move(*assembly_);
    assembly_.reset();
    if (assembly.parts) {
        space_->submit({site_id_, site_, std::move(assembly.header), std::move(*assembly.parts), assembly.too_large});
        return;
    }
    // Sent again. Its verdict, if it has one that was not applied yet; otherwise it waits in the queue, or is an old story.
    const auto known = space_->store().find_verdict(site_, assembly.header.number);
    if (!known) return;
    if (known->verdict.id != assembly.header.id) {
        throw Error(ErrorCode::diverged_copy,
                    fmt::format("transaction {} of this device was already made by another copy of its file", assembly.header.number.value));
    }
    tell(known->verdict, world);
}

// --- bases of edits ---

void Peer::ask(TransactionNumber number, const std::vector<TextDigest>& bases, PeerWorld world) {
    assembly_.reset();
    asked_number_ = number;
    asked_bases_.assign(bases.begin(), bases.end());
    send(wire::BaseRequest{number, bases}, world);
}

void Peer::take_base(const wire::BaseText& base) {
    if (asked_bases_.empty() || base.number != asked_number_ || digest_text(base.text) != asked_bases_.front())
        throw protocol_error("a text came that was not asked for");
    space_->give_base(site_, base.number, asked_bases_.front(), base.text);
    asked_bases_.pop_front();
    if (asked_bases_.empty()) space_->requeue(site_);
}

// --- the rest of what a device says ---

void Peer::applied(const wire::Applied& applied) {
    const store::SpaceState& state = space_->store().state();
    if (applied.cursor.epoch != state.epoch) return;
    if (applied.cursor.seq > state.head) throw protocol_error("the device says that it applied what the hub does not have");
    space_->applied(site_, applied.cursor.seq);
}

void Peer::verify(const wire::VerifyRequest& request, PeerWorld world) {
    for (const wire::VerifyAnswer& answer : answer_verify(space_->store(), request))
        send(answer, world);
}

void Peer::pong(const wire::Ping& ping, PeerWorld world) {
    send(wire::Pong{ping.nonce, space_->store().state().head, space_->time_now(), retry_spread(world)}, world);
}

// --- what the hub says ---

void Peer::tell(const Verdict& verdict, PeerWorld world) { send(wire::VerdictNotice{verdict}, world); }

void Peer::feed(PeerWorld world) {
    if (state_ != State::open) return;
    send_fragments(world);
    if (!feed_ || !sending_.done() || feed_shared(world)) return;
    while (unsent_ < limits::send_window_bytes && sending_.done()) {
        const auto message = feed_->next();
        if (!message) return;
        if (std::holds_alternative<wire::CheckpointEnd>(*message)) ++world.metrics.spaces[space_name_].checkpoints;
        send(*message, world);
    }
}

void Peer::send_fragments(PeerWorld world) {
    while (unsent_ < limits::send_window_bytes && !sending_.done())
        send(std::make_shared<const std::string>(sending_.next()), world);
}

// A live reader with no verdicts of its own on the way takes the checkpoint that was encoded once for all of them.
bool Peer::feed_shared(PeerWorld world) {
    const Seq head = space_->store().state().head;
    const Seq from = feed_->sent_to();
    // From 0, a new device has nothing to lose and gets no tombstones: that checkpoint is not everybody's.
    if (!feed_->is_idle() || from == head || from.value == 0 || head.value - from.value > limits::group_commit_transactions) return false;
    if (unsent_ >= limits::send_window_bytes || space_->store().newest_verdict(site_) > from) return false;
    const std::vector<SharedMessage>* step = space_->live_step(from);
    if (step == nullptr) return false;
    for (const SharedMessage& message : *step)
        send(message, world);
    feed_->skip_to(head);
    ++world.metrics.spaces[space_name_].checkpoints;
    ++world.metrics.spaces[space_name_].live_checkpoints;
    return true;
}

void Peer::refuse(const Error& error, int64_t retry_after, PeerWorld world) {
    if (state_ == State::closed) return;
    ++world.metrics.refused;
    const std::string reason = error.advice().empty() ? error.what() : fmt::format("{}; {}", error.what(), error.advice());
    send(wire::Refuse{std::string(to_string(error.code())), reason, retry_after}, world);
    close(world);
}

void Peer::send(const wire::Message& message, PeerWorld world) {
    std::string encoded = wire::encode(message);
    if (!wire::needs_fragments(encoded)) return send(std::make_shared<const std::string>(std::move(encoded)), world);
    sending_.add(std::move(encoded));
    send_fragments(world);
}

void Peer::send(SharedMessage message, PeerWorld world) {
    if (state_ == State::closed) return;
    unsent_ += message->size();
    ++world.metrics.messages_out;
    world.metrics.bytes_out += message->size();
    world.actions.push_back({id_, std::move(message)});
}

void Peer::close(PeerWorld world) {
    world.actions.push_back({id_, nullptr});
    state_ = State::closed;
    assembly_.reset();
    asked_bases_.clear();
    arriving_.reset();
    sending_.clear();
}

BootTime Peer::deadline() const { return state_ == State::greeting ? opened_at_ + limits::handshake_timeout : heard_at_ + silence_max; }

Seq Peer::needs_tombstones_after() const { return feed_ ? feed_->needs_tombstones_after() : Seq{UINT64_MAX}; }

}  // namespace tombolo::hub
