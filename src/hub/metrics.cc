#include "hub/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "wire/version.h"

namespace tombolo::hub {

namespace {

std::string escape_label(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '\\' || c == '"') escaped.push_back('\\');
        escaped += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return escaped;
}

class Text {
public:
    void describe(std::string_view name, std::string_view type, std::string_view help) {
        fmt::format_to(std::back_inserter(out_), "# HELP tombolo_{0} {2}\n# TYPE tombolo_{0} {1}\n", name, type, help);
    }
    void value(std::string_view name, std::string_view labels, uint64_t value) {
        fmt::format_to(std::back_inserter(out_), "tombolo_{}{} {}\n", name, labels, value);
    }
    void single(std::string_view name, std::string_view type, std::string_view help, uint64_t number) {
        describe(name, type, help);
        value(name, "", number);
    }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

void add_verdicts(Text& text, const HubMetrics& metrics) {
    text.describe("transactions_total", "counter", "Transactions decided, by verdict.");
    for (const auto& [name, space] : metrics.spaces) {
        const auto add = [&, label = escape_label(name)](std::string_view verdict, uint64_t number) {
            text.value("transactions_total", fmt::format("{{space=\"{}\",verdict=\"{}\"}}", label, verdict), number);
        };
        add("accepted", space.accepted);
        add("merged", space.merged);
        add("in-conflict", space.in_conflict);
        add("rejected", space.rejected);
        add("repeated", space.repeated);
    }
}

void add_space_values(Text& text, const HubMetrics& metrics, std::string_view name, std::string_view type, std::string_view help,
                      uint64_t SpaceMetrics::*member) {
    text.describe(name, type, help);
    for (const auto& [space_name, space] : metrics.spaces)
        text.value(name, fmt::format("{{space=\"{}\"}}", escape_label(space_name)), space.*member);
}

}  // namespace

void SpaceMetrics::count(const std::optional<Verdict>& verdict) {
    if (!verdict) {
        ++repeated;
        return;
    }
    switch (verdict->kind) {
        case VerdictKind::accepted: ++accepted; break;
        case VerdictKind::merged: ++merged; break;
        case VerdictKind::in_conflict: ++in_conflict; break;
        default: ++rejected; break;
    }
}

std::string prometheus_text(const HubMetrics& metrics) {
    Text text;
    text.single("connections_total", "counter", "Connections accepted.", metrics.connections);
    text.single("refused_total", "counter", "Conversations ended by the hub with a reason.", metrics.refused);
    text.single("messages_received_total", "counter", "Messages from devices.", metrics.messages_in);
    text.single("received_bytes_total", "counter", "Their bytes.", metrics.bytes_in);
    text.single("messages_sent_total", "counter", "Messages to devices.", metrics.messages_out);
    text.single("sent_bytes_total", "counter", "Their bytes.", metrics.bytes_out);
    add_verdicts(text, metrics);
    add_space_values(text, metrics, "group_commits_total", "counter", "Groups committed.", &SpaceMetrics::groups);
    add_space_values(text, metrics, "group_commit_failures_total", "counter", "Groups that the storage could not take.",
                     &SpaceMetrics::failed_groups);
    add_space_values(text, metrics, "text_bases_asked_total", "counter", "Texts that edits were made of, asked of their devices.",
                     &SpaceMetrics::bases_asked);
    add_space_values(text, metrics, "checkpoints_total", "counter", "Whole checkpoints sent.", &SpaceMetrics::checkpoints);
    add_space_values(text, metrics, "live_checkpoints_total", "counter", "Of these, encoded once for many readers.", &SpaceMetrics::live_checkpoints);
    add_space_values(text, metrics, "purged_tombstones_total", "counter", "Tombstones dropped at the retention horizon.",
                     &SpaceMetrics::purged_tombstones);
    add_space_values(text, metrics, "head", "gauge", "Newest seq.", &SpaceMetrics::head);
    add_space_values(text, metrics, "horizon", "gauge", "Cursors below are rebuilt.", &SpaceMetrics::horizon);
    add_space_values(text, metrics, "peers", "gauge", "Devices connected.", &SpaceMetrics::peers);
    return text.take();
}

std::string health_json(std::string_view nonce) {
    std::string echoed;
    for (const char c : nonce.substr(0, 64)) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
        if (plain) echoed.push_back(c);
    }
    return fmt::format("{{\"tombolo\":{},\"nonce\":\"{}\"}}", wire::protocol_version, echoed);
}

}  // namespace tombolo::hub
