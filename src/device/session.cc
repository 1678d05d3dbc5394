#include "device/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "wire/codec.h"
#include "wire/version.h"

namespace tombolo::device {

namespace {
constexpr BootTime never = INT64_MAX;
constexpr int64_t busy_retry = 20 * limits::millisecond;  // an application's write is usually over by then
constexpr const char* program_name = "tombolo 0.1.0";

ErrorCode code_of(std::string_view text) {
    for (int code = 1; code <= static_cast<int>(ErrorCode::cancelled); ++code) {
        if (to_string(static_cast<ErrorCode>(code)) == text) return static_cast<ErrorCode>(code);
    }
    return ErrorCode::protocol;
}
// The application may have changed a table so that it is not the hub's any more.
void require_same_tables(const Replica& replica) {
    for (const Table& theirs : replica.hub_schema().tables) {
        const Table* here = replica.schema().find(theirs.name);
        if (here == nullptr) continue;
        if (const std::string difference = describe_difference(*here, theirs); !difference.empty())
            throw Error(ErrorCode::schema, difference, "tables are changed at the hub, with tombolo hub --schema: make this one as it was");
    }
}

}  // namespace

Session::Session(Replica& replica, world::Clock& clock, Options options) : replica_(replica), clock_(clock), options_(std::move(options)) {
    opened_at_ = clock_.boot();
    heard_at_ = opened_at_;
    arm();
}

// Every event runs through here: an error ends the conversation, except that a busy file only makes us wait.
template <typename Step>
void Session::guarded(const Step& step) {
    if (state_ == State::closed) return;
    try {
        step();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::busy) {
            retry_local_at_ = clock_.boot() + busy_retry;
        } else {
            fail(error);
        }
    }
    arm();
}

void Session::opened() {
    guarded([&] {
        const DeviceRecord record = replica_.record();
        const auto [last_number, last_id] = replica_.outbox().last();
        wire::Hello hello;
        hello.protocol = wire::protocol_version;
        hello.program = program_name;
        hello.space = record.space.value_or("main");
        hello.token = options_.token;
        hello.site = record.site;
        hello.last_number = last_number;
        hello.last_id = last_id;
        hello.cursor = record.cursor;
        hello.resume = replica_.resume_point();
        hello.schema_hash = record.schema_hash;
        hello.schema_only = options_.schema_only;
        cursor_ = record.cursor;
        state_ = State::greeting;
        opened_at_ = clock_.boot();
        send(hello);
    });
}

void Session::received(std::string_view message) {
    heard_at_ = proof_at_ = clock_.boot();
    progress_.bytes_down += static_cast<int64_t>(message.size());
    if (const auto fragment = wire::read_fragment(message)) {
        collect(*fragment);
    } else {
        take_in_turn(message);
    }
    arm();
}

void Session::collect(const wire::Fragment& fragment) {
    if (arriving_.size() + fragment.bytes.size() > limits::message_bytes_max)
        return fail(Error(ErrorCode::too_large, "a message of the hub is over the limit"));
    arriving_.append(fragment.bytes);
    if (fragment.last) take_in_turn(std::exchange(arriving_, {}));
}

void Session::take_in_turn(std::string_view message) {
    if (waiting_.empty() && take(message)) return;
    waiting_.emplace_back(message);  // its turn comes when those before it are taken
}

// False if the file was busy: nothing has come of the message yet, and it is to be taken again.
bool Session::take(std::string_view message) {
    bool taken = false;
    guarded([&] {
        wire::Message decoded = wire::decode(message, limits::message_bytes_max);
        const bool in_turn =
            std::holds_alternative<wire::Refuse>(decoded) || std::holds_alternative<wire::Welcome>(decoded) == (state_ == State::greeting);
        if (!in_turn) throw Error(ErrorCode::protocol, "the hub sent a message out of turn");
        std::visit(
            [&](auto& body) {
                using Body = std::decay_t<decltype(body)>;
                if constexpr (std::is_same_v<Body, wire::CheckpointPart>) {
                    handle(body, message);
                } else if constexpr (std::is_same_v<Body, wire::Welcome>) {
                    handle(std::move(body));
                } else if constexpr (std::is_same_v<Body, wire::Refuse> || std::is_same_v<Body, wire::VerdictNotice> ||
                                     std::is_same_v<Body, wire::CheckpointEnd> || std::is_same_v<Body, wire::Pong> ||
                                     std::is_same_v<Body, wire::VerifyAnswer> || std::is_same_v<Body, wire::BaseRequest>) {
                    handle(body);
                } else {
                    throw Error(ErrorCode::protocol, "the hub sent a message that only devices send");
                }
            },
            decoded);
        taken = true;
        do_what_is_due();
    });
    return taken || state_ == State::closed;
}

void Session::take_waiting() {
    while (!waiting_.empty() && state_ != State::closed) {
        const std::string message = std::move(waiting_.front());
        waiting_.pop_front();
        if (take(message)) continue;
        waiting_.push_front(message);
        return;
    }
}

void Session::handle(wire::Welcome welcome) {
    if (welcome.protocol < wire::protocol_oldest || welcome.protocol > wire::protocol_version) {
        throw Error(ErrorCode::protocol,
                    fmt::format("the hub speaks protocol {}, and this program knows {}", welcome.protocol, wire::protocol_version),
                    "update the older of the two");
    }
    // It may have waited for the file: what passed since it came is no part of the way back.
    if (!round_trip_) round_trip_ = heard_at_ - opened_at_;
    const int64_t waited = clock_.boot() - opened_at_ - *round_trip_;
    replica_.note_welcome(welcome, *round_trip_ + 2 * waited);
    if (welcome.schema) {
        replica_.adopt_schema(*welcome.schema, wire::hash_schema(*welcome.schema));
    }
    require_same_tables(replica_);
    if (!welcome.resumed) replica_.clear_spool();
    spooling_ = welcome.resumed;
    head_ = welcome.head;
    head_as_of_ = opened_at_;
    retry_spread_ = welcome.retry_spread;
    pushing_ = covered_ = welcome.last_number;
    state_ = State::talking;
    welcomed_once_ = true;
    push_due_ = !options_.schema_only;
}

void Session::handle(const wire::Refuse& refuse) {
    refused_ = true;
    retry_after_ = refuse.retry_after;
    throw Error(code_of(refuse.code), "the hub says: " + refuse.reason);
}

void Session::handle(const wire::VerdictNotice& notice) {
    head_ = std::max(head_, notice.verdict.seq);
    news_.noticed.push_back(notice.verdict);
}

// Small checkpoints stay in memory; a large one goes to disk as it arrives, so that a cut costs only its unfinished part.
void Session::handle(const wire::CheckpointPart& part, std::string_view message) {
    head_ = std::max(head_, part.target);
    progress_.rows_done = static_cast<int64_t>(part.rows_done);
    progress_.rows_total = static_cast<int64_t>(std::max(part.rows_total, part.rows_done));
    if (!spooling_ && parts_bytes_ + part.rows.size() < limits::spool_bytes_min) {
        parts_.emplace_back(message);
        parts_bytes_ += part.rows.size();
        return;
    }
    spooling_ = true;
    for (; !parts_.empty(); parts_.erase(parts_.begin()))
        replica_.spool(parts_.front());
    parts_bytes_ = 0;
    replica_.spool(std::string(message));
}

void Session::handle(const wire::CheckpointEnd& end) {
    if (end.from != cursor_.seq && end.from.value != 0) throw Error(ErrorCode::protocol, "the hub sent a checkpoint for another cursor");
    const Replica::ApplyResult result = replica_.apply(parts_, end);
    parts_.clear();
    parts_bytes_ = 0;
    spooling_ = false;
    cursor_ = end.to;
    head_ = std::max(head_, end.head);
    progress_.rows_done = progress_.rows_total = 0;
    for (const Verdict& verdict : result.verdicts) {
        covered_ = std::max(covered_, verdict.number);
        news_.covered.push_back(verdict);
    }
    news_.applied = true;
    send(wire::Applied{cursor_});
    push_due_ = verify_due_ = true;
}

void Session::handle(const wire::Pong& pong) {
    head_ = std::max(head_, pong.head);
    retry_spread_ = pong.retry_spread;
    if (ping_ != pong.nonce) return;
    ping_.reset();
    head_as_of_ = ping_at_;
}

void Session::verify() {
    guarded([&] {
        if (state_ != State::talking) throw Error(ErrorCode::unreachable, "there is no connection to the hub");
        verification_ = std::make_unique<Verification>(replica_);
        send(verification_->begin());
    });
}

void Session::handle(const wire::VerifyAnswer& answer) {
    if (verification_ != nullptr) verification_->answered(answer);
    verify_due_ = true;
}

// What messages set going. Stays due where the file is busy.
void Session::do_what_is_due() {
    if (push_due_) push();
    push_due_ = false;
    if (verify_due_ && verification_ != nullptr) {
        if (const auto next = verification_->proceed(cursor_.seq)) send(*next);
        if (verification_->result()) {
            news_.verified = *verification_->result();
            verification_.reset();
        }
    }
    verify_due_ = false;
}

void Session::sent(size_t unsent_bytes) {
    unsent_ = unsent_bytes;
    guarded([&] {
        if (state_ == State::talking && !options_.schema_only) push();
    });
}

void Session::local_commit() {
    local_dirty_ = true;
    guarded([&] {
        if (state_ == State::talking && !options_.schema_only) push();
    });
}

// Sends what the hub has not seen, in order of number, while the window has room. A part once taken from the outbox is the same
// at every retry.
void Session::push() {
    Outbox& outbox = replica_.outbox();
    if (local_dirty_) {
        if (!outbox.log_is_empty()) {
            sqlite::WriteTransaction transaction(replica_.db());
            outbox.freeze();
            transaction.commit();
            froze_ = true;
        }
        local_dirty_ = false;
    }
    send_fragments();
    while (unsent_ < limits::send_window_bytes && push_next()) {
    }
}

bool Session::push_next() {
    if (!asked_bases_.empty()) return send_base(), true;
    if (pushing_.value >= covered_.value + limits::push_window_transactions) return false;
    Outbox& outbox = replica_.outbox();
    const std::optional<Entry> entry = outbox.next_after(pushing_);
    if (!entry) return false;
    std::optional<std::string> rows = outbox.part(entry->header.number, next_part_);
    const bool last = !outbox.has_part(entry->header.number, next_part_ + 1);
    wire::PushPart part;
    part.number = entry->header.number;
    part.first = next_part_ == 0;
    part.last = last;
    if (part.first) part.header = entry->header;
    if (rows) part.rows = std::move(*rows);
    send_part(wire::encode(part));
    ++next_part_;
    if (last) {
        pushing_ = entry->header.number;
        next_part_ = 0;
    }
    return true;
}

// What was sent behind that transaction the hub has forgotten. A part that is on its way in fragments is finished all the same.
void Session::handle(const wire::BaseRequest& request) {
    if (!asked_bases_.empty() || request.bases.empty() || !replica_.outbox().find(request.number))
        throw Error(ErrorCode::protocol, "the hub asks for texts that this device cannot have");
    asked_bases_.assign(request.bases.begin(), request.bases.end());
    pushing_ = request.number;
    next_part_ = 0;
    push_due_ = true;
}

void Session::send_base() {
    wire::BaseText text{pushing_, replica_.base_of_edit(asked_bases_.front())};
    asked_bases_.pop_front();
    send_part(wire::encode(text));
}

void Session::send_part(std::string message) {
    if (!wire::needs_fragments(message)) return put(std::move(message));
    sending_.add(std::move(message));
    send_fragments();
}

void Session::send_fragments() {
    while (unsent_ < limits::send_window_bytes && !sending_.done())
        put(sending_.next());
}

void Session::time_passed() {
    const BootTime now = clock_.boot();
    if (state_ == State::closed || now < deadline_) return;
    guarded([&] {
        if (retry_local_at_ != 0 && now >= retry_local_at_) {
            retry_local_at_ = 0;
            take_waiting();
            if (state_ == State::talking) {
                push_due_ = push_due_ || !options_.schema_only;
                do_what_is_due();
            }
        }
        if (state_ == State::closed) return;
        if (looked_at_ != 0) looked_at_ = now;  // also where nobody looks any more
        if (state_ != State::talking) {
            if (now >= opened_at_ + limits::handshake_timeout) throw Error(ErrorCode::unreachable, "the hub did not answer in time");
            return;
        }
        if (ping_ && now >= answer_due() && heard_at_ <= ping_at_) throw Error(ErrorCode::unreachable, "the hub stopped answering");
        if (ping_ && heard_at_ > ping_at_) ping_.reset();
        if (!ping_ && now >= heard_at_ + quiet_limit()) ping();
    });
}

void Session::prove() {
    guarded([&] {
        if (state_ == State::talking && !ping_) ping();
    });
}

void Session::ping() {
    ping_at_ = clock_.boot();
    ping_behind_ = traffic_.acknowledged + traffic_.under_way;
    ping_ = static_cast<uint64_t>(ping_at_);
    send(wire::Ping{*ping_});
}

void Session::arm() {
    if (state_ == State::closed) {
        deadline_ = never;
    } else if (state_ != State::talking) {
        deadline_ = opened_at_ + limits::handshake_timeout;
    } else {
        deadline_ = ping_ ? answer_due() : heard_at_ + quiet_limit();
        if (ping_ && looked_at_ != 0) deadline_ = std::min(deadline_, looked_at_ + limits::heartbeat_look);
    }
    if (retry_local_at_ != 0 && state_ != State::closed) deadline_ = std::min(deadline_, retry_local_at_);
}

// While something of ours is under way, silence is suspicious sooner.
int64_t Session::quiet_limit() const {
    return pushing_ > covered_ || next_part_ > 0 || !sending_.done() || unsent_ > 0 ? limits::heartbeat_sending : limits::heartbeat_idle;
}

// A connection over a slow link is not dead: as long as what stands before the ping is on its way, or something arrives, we wait.
void Session::moved(const world::Traffic& traffic) {
    const bool ping_is_on_its_way = traffic_.acknowledged < ping_behind_;
    const bool arrives = traffic.received > traffic_.received;
    const bool leaves = ping_is_on_its_way && traffic.acknowledged > traffic_.acknowledged;
    looked_at_ = clock_.boot();
    if (arrives || leaves) moved_at_ = looked_at_;
    traffic_ = traffic;
    arm();
}

BootTime Session::answer_due() const { return std::max(ping_at_, moved_at_) + limits::heartbeat_answer; }

void Session::send(const wire::Message& message) { put(wire::encode(message)); }

void Session::put(std::string message) {
    out_.push_back(std::move(message));
    unsent_ += out_.back().size();
    progress_.bytes_up += static_cast<int64_t>(out_.back().size());
}

void Session::fail(Error error) {
    failure_ = std::move(error);
    state_ = State::closed;
}

bool Session::caught_up() const { return state_ == State::talking && cursor_.seq >= head_ && waiting_.empty() && parts_.empty() && !spooling_; }

std::vector<std::string> Session::take_messages() { return std::exchange(out_, {}); }
SessionNews Session::take_news() { return std::exchange(news_, {}); }

}  // namespace tombolo::device
