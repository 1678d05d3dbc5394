#include "sim/hub_node.h"
#include "hub/conflict_list.h"

#include "sim/workload.h"
#include "store/sqlite_store.h"

namespace tombolo::sim {

namespace {
std::string disk_name(const void* owner) {
    static uint64_t made = 0;
    return "sim-hub-" + std::to_string(++made) + "-" + std::to_string(reinterpret_cast<uintptr_t>(owner));
}
// The counter of account is what exactly_once adds up; the rest is every seed's own mixture.
std::vector<Table> choose_policies(const Schema& schema, SeededRandom& random) {
    const auto pick = [&](auto... choices) {
        const std::common_type_t<decltype(choices)...> list[] = {choices...};
        return list[random.below(sizeof...(choices))];
    };
    std::vector<Table> tables = schema.tables;
    for (Table& table : tables) {
        const auto set = [&](const char* column, ColumnPolicy policy) { table.columns[table.find_column(column).value()].policy = policy; };
        const auto set_expression = [&](const char* column, const char* expression) {
            set(column, ColumnPolicy::sql);
            table.columns[table.find_column(column).value()].expression = expression;
        };
        if (table.name == "account") set("total", ColumnPolicy::counter);
        if (table.name == "item") {
            set("title",
                pick(ColumnPolicy::lww, ColumnPolicy::lww, ColumnPolicy::lww, ColumnPolicy::hub, ColumnPolicy::device, ColumnPolicy::manual));
            set("tags", pick(ColumnPolicy::lww, ColumnPolicy::set, ColumnPolicy::set));
            set("notes", pick(ColumnPolicy::lww, ColumnPolicy::text, ColumnPolicy::text));
            set("details", pick(ColumnPolicy::json, ColumnPolicy::json, ColumnPolicy::manual));
            set("n", pick(ColumnPolicy::lww, ColumnPolicy::counter, ColumnPolicy::max, ColumnPolicy::min));
            if (random.chance(200)) set_expression("title", "coalesce(mine, '') || '+' || coalesce(theirs_body, theirs)");
            // Now and then it fails.
            if (random.chance(200)) set_expression("n", "CASE WHEN mine % 3 = 0 THEN abs(-9223372036854775807 - 1) ELSE max(mine, theirs) END");
        }
        if (table.name != "account") table.whole_rows = random.chance(250);
        if (table.name == "item" || table.name == "child")
            table.delete_mode = pick(DeleteMode::update_wins, DeleteMode::update_wins, DeleteMode::delete_wins, DeleteMode::manual);
        if (table.name == "email") table.insert_mode = pick(InsertMode::reject, InsertMode::merge);
    }
    return tables;
}
}  // namespace

HubNode::HubNode(Schedule& schedule, SeededRandom& random) : schedule_(schedule), random_(random), disk_(disk_name(this)), clock_(schedule, random) {}

HubNode::~HubNode() { hub_.reset(); }

void HubNode::start() {
    ++incarnation_;
    armed_at_ = INT64_MAX;
    commit_planned_ = false;
    auto store = store::open_sqlite_store(path(), random_, disk_.vfs());
    hub::update_schema(*store, schema_sql);
    if (policies_.empty()) {
        policies_ = choose_policies(store->schema(), random_);
        if (random_.chance(500)) options_.text_cache_bytes = random_.below(200);  // few, so that bases are asked for
    }
    store->set_policies(policies_);
    hub_ = std::make_unique<hub::Hub>(options_, clock_);
    hub_->add_space("main", std::move(store));
    after_event();
}

void HubNode::crash(bool power_loss) {
    hub_.reset();
    disk_.restart(random_, power_loss);
    if (power_loss) clock_.reboot(random_);
    ++incarnation_;
}

uint64_t HubNode::head() const { return hub_ == nullptr ? 0 : hub_->find_space("main")->store().state().head.value; }

// Whether the disk died in an event is for the cluster to see.
void HubNode::event(const std::function<void(hub::Hub&)>& what) {
    if (hub_ == nullptr || disk_.dead()) return;
    try {
        what(*hub_);
        after_event();
    } catch (const Error&) {
        if (!disk_.dead()) throw;
    }
}

uint64_t HubNode::open() {
    uint64_t peer = 0;
    event([&](hub::Hub& hub) { peer = hub.open("main"); });
    return peer;
}

void HubNode::receive(uint64_t peer, std::string_view message) {
    event([&](hub::Hub& hub) { hub.receive(peer, message); });
}

void HubNode::room(uint64_t peer, size_t unsent) {
    event([&](hub::Hub& hub) { hub.room(peer, unsent); });
}

void HubNode::closed(uint64_t peer) {
    event([&](hub::Hub& hub) { hub.closed(peer); });
}

void HubNode::after_event() {
    for (hub::Action& action : hub_->take_actions()) {
        if (action.message == nullptr) {
            network_->close_by_hub(action.peer);
        } else {
            network_->send_to_device(action.peer, *action.message);
        }
    }
    if (hub_->wants_commit() && !commit_planned_) {
        commit_planned_ = true;
        schedule_.after(random_.between(10, 5'000), [this, mine = incarnation_] {
            if (mine != incarnation_) return;
            commit_planned_ = false;
            event([](hub::Hub& hub) { hub.commit(); });
        });
    }
    arm();
}

void HubNode::arm() {
    const Time due = clock_.to_virtual(hub_->next_deadline());
    if (due == INT64_MAX || due >= armed_at_) return;
    armed_at_ = due;
    schedule_.at(due, [this, due, mine = incarnation_] {
        if (mine != incarnation_ || armed_at_ != due) return;
        armed_at_ = INT64_MAX;
        event([](hub::Hub& hub) { hub.on_time(); });
    });
}

}  // namespace tombolo::sim
