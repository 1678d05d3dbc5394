#include "client/first_contact.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "client/device_file.h"
#include "client/token.h"
#include "device/session.h"
#include "network/event_loop.h"
#include "network/websocket_client.h"
#include "wire/codec.h"
#include "world/transport.h"

namespace tombolo::client {

namespace {

// A device in memory that only asks for the schema: an ordinary session, so that there is one handshake.
class Contact final : public world::TransportHandler {
public:
    Contact(network::EventLoop& loop, const network::HubUrl& hub, const std::string& token)
        : loop_(loop), replica_(scratch_device(), system_capture_world()), deadline_(loop) {
        replica_.set_hub(hub_address(hub), hub.space, std::nullopt);
        device::Session::Options options;
        options.token = token;
        options.schema_only = true;
        session_.emplace(replica_, system_clock(), options);
    }

    void start(const network::ConnectOptions& options) {
        transport_ = network::connect(loop_, options, *this);
        arm();
    }

    const std::optional<Error>& failure() const { return failure_; }
    HubSchema schema() {
        sqlite::Statement stored = replica_.db().prepare("SELECT schema, schema_hash FROM tombolo_device");
        if (!stored.step() || stored.is_null(0)) throw Error(ErrorCode::protocol, "the hub did not send its schema", "update the older of the two");
        return {wire::decode_schema(stored.blob(0)), stored.number(1)};
    }

private:
    static sqlite::Connection scratch_device() {
        sqlite::Connection db = sqlite::Connection::open(":memory:");
        device::Replica::create(db);
        return db;
    }

    void on_open() override {
        session_->opened();
        go_on();
    }
    void on_message(std::string_view message) override {
        session_->received(message);
        go_on();
    }
    void on_room() override {}
    void on_closed(world::CloseCause, const Error& why) override {
        failure_ = session_->failure() ? session_->failure() : why;
        loop_.stop();
    }

    void go_on() {
        for (std::string& message : session_->take_messages())
            transport_->send(std::move(message));
        if (session_->closed()) failure_ = session_->failure();
        if (session_->closed() || session_->welcomed()) {
            transport_->close();
            loop_.stop();
            return;
        }
        arm();
    }
    void arm() {
        const int64_t wait = std::max<int64_t>(session_->deadline() - system_clock().boot(), 0);
        deadline_.start(wait, [this] {
            session_->time_passed();
            go_on();
        });
    }

    network::EventLoop& loop_;
    device::Replica replica_;
    std::optional<device::Session> session_;
    std::unique_ptr<world::Transport> transport_;
    network::Timer deadline_;
    std::optional<Error> failure_;
};

}  // namespace

HubSchema fetch_schema(const network::HubUrl& hub, const TokenSource& token, const std::string& ca_file) {
    network::EventLoop loop;
    Contact contact(loop, hub, token_source(token, [] { return std::string(); })());
    network::ConnectOptions options;
    options.url = hub;
    options.ca_file = ca_file;
    options.ask_who_is_there = true;
    contact.start(options);
    loop.run();
    if (contact.failure()) throw *contact.failure();
    return contact.schema();
}

}  // namespace tombolo::client
