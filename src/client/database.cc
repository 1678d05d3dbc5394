// The public classes: each method hands on to Core or Runner. The mechanics are there.
#include "tombolo/database.h"

#include <utility>

#include "client/core.h"
#include "client/device_file.h"
#include "client/log.h"
#include "client/runner.h"
#include "device/capture.h"
#include "watch/subscription.h"

namespace tombolo {

namespace {

// Runs `work`; an Error becomes a value.
template <typename Work>
auto tried(const Work& work) -> Result<decltype(work())> {
    try {
        return work();
    } catch (const Error& error) {
        return error;
    }
}

}  // namespace

void attach(sqlite3* handle) { device::register_capture(handle, client::system_capture_world()); }

// --- Transaction ---

int64_t Transaction::run(std::string_view sql, const std::vector<Value>& arguments) { return core_.exec_in_write(sql, arguments); }
Rows Transaction::fetch(std::string_view sql, const std::vector<Value>& arguments) { return core_.query_in_write(sql, arguments); }

// --- Receipt ---

std::optional<Decision> Receipt::verdict() const { return number_ == 0 ? Decision{} : core_->verdict(number_, id_); }
std::optional<Decision> Receipt::wait(std::chrono::milliseconds timeout) const {
    return number_ == 0 ? Decision{} : core_->wait(number_, id_, timeout);
}
void Receipt::on_verdict(std::function<void(const Decision&)> callback) const {
    if (number_ == 0) return callback(Decision{});
    core_->on_verdict(number_, id_, std::move(callback));
}

// --- Database ---

Database Database::open(const std::string& path, const DatabaseOptions& options) { return Database(std::make_shared<client::Core>(path, options)); }

Result<Database> Database::try_open(const std::string& path, const DatabaseOptions& options) {
    return tried([&] { return open(path, options); });
}

Database& Database::operator=(Database&& other) noexcept {
    if (this != &other) {
        Database old(std::exchange(core_, std::exchange(other.core_, nullptr)));  // closes as it goes
    }
    return *this;
}

Database::~Database() {
    try {
        close();
    } catch (const std::exception& error) {
        client::log(LogLevel::error, "closing a database: {}", error.what());
    }
}

client::Core& Database::core() const {
    if (core_ == nullptr) throw Error(ErrorCode::closed, "the database was closed", "open it again");
    return *core_;
}

Receipt Database::write(const std::function<void(Transaction&)>& work) { return core().write(work); }
Result<Receipt> Database::try_write(const std::function<void(Transaction&)>& work) {
    return tried([&] { return write(work); });
}
int64_t Database::run(std::string_view sql, const std::vector<Value>& arguments) { return core().exec(sql, arguments); }
Rows Database::fetch(std::string_view sql, const std::vector<Value>& arguments) const { return core().query(sql, arguments); }
Watch Database::watch(std::string_view sql, std::vector<Value> parameters, std::function<void(const Rows&)> callback, WatchOptions options) {
    return core().watch(
        {std::string(sql), std::move(parameters), std::nullopt}, [callback = std::move(callback)](const RowsChange& change) { callback(change.now); },
        std::move(options));
}
Watch Database::watch_changes(std::string_view sql, std::vector<Value> parameters, std::vector<std::string> key,
                              std::function<void(const RowsChange&)> callback, WatchOptions options) {
    return core().watch({std::string(sql), std::move(parameters), std::move(key)}, std::move(callback), std::move(options));
}
void Database::sync_tables(const std::vector<std::string>& names) { core().sync_tables(names); }
Session Database::connect(const SessionOptions& options) { return Session(core().connect(options), core_); }
Receipt Database::receipt(uint64_t number) const { return core().receipt(number); }
Receipt Database::receipt(std::string_view id) const { return core().receipt(id); }
std::vector<Conflict> Database::conflicts(bool resolved) const { return core().conflicts(resolved); }
Conflict Database::conflict(std::string_view id) const { return core().conflict(id); }
Receipt Database::resolve(std::string_view id, Take take) { return core().resolve(id, take); }
Receipt Database::resolve(std::string_view id, const NamedRow& values) { return core().resolve(id, values); }
Receipt Database::dismiss(std::string_view id) { return core().dismiss(id); }
std::vector<Rejection> Database::rejections() const { return core().rejections(); }
Receipt Database::retry(uint64_t number) { return core().retry(number, {}); }
Receipt Database::retry(uint64_t number, const std::vector<Correction>& corrections) { return core().retry(number, corrections); }
void Database::discard(uint64_t number, const DiscardOptions& options) { core().discard(number, options); }
Status Database::status() const { return core().status(); }

void Database::close() {
    if (core_ != nullptr) core_->close();
}

// --- Watch ---

Watch& Watch::operator=(Watch&& other) noexcept {
    if (this != &other) {
        Watch old(std::exchange(subscription_, std::exchange(other.subscription_, nullptr)));  // stops as it goes
    }
    return *this;
}

Watch::~Watch() { stop(); }

void Watch::stop() {
    if (subscription_ != nullptr) subscription_->stop();
}

// --- Session ---

Session& Session::operator=(Session&& other) noexcept {
    if (this != &other) {
        Session old(std::exchange(runner_, std::exchange(other.runner_, nullptr)), std::exchange(core_, std::exchange(other.core_, nullptr)));
    }
    return *this;
}

Session::~Session() {
    try {
        stop();
    } catch (const std::exception& error) {
        client::log(LogLevel::error, "stopping a session: {}", error.what());
    }
}

client::Runner& Session::runner() const {
    if (runner_ == nullptr) throw Error(ErrorCode::closed, "there is no session", "get one from Database::connect");
    return *runner_;
}

void Session::on_status(std::function<void(const Status&)> callback) { runner().on_status(std::move(callback)); }
void Session::on_verdict(std::function<void(const Decision&)> callback) { runner().on_verdict(std::move(callback)); }
void Session::on_conflict(std::function<void(const Conflict&)> callback) { runner().on_conflict(std::move(callback)); }
Status Session::status() const { return runner().status(); }
void Session::pause() { runner().pause(); }
void Session::resume() { runner().resume(); }
void Session::sync_now() { runner().sync_now(); }
void Session::set_network_hint(const NetworkHint& hint) { runner().set_network_hint(hint); }
void Session::sync_once(std::chrono::milliseconds timeout) { runner().sync_once(core_->newest_number(), timeout); }

Result<Status> Session::try_sync_once(std::chrono::milliseconds timeout) {
    return tried([&] {
        sync_once(timeout);
        return status();
    });
}

void Session::stop() {
    if (runner_ != nullptr) core_->disconnect(*runner_);
}

}  // namespace tombolo
