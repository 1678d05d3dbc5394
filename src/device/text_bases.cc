#include "device/text_bases.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/limits.h"
#include "device/net_changes.h"
#include "device/outbox.h"
#include "model/text_edit.h"
#include "wire/rows.h"

namespace tombolo::device {

namespace {

const CellView* cell_of(const ChangeView& change, uint32_t column) {
    const auto found = std::find_if(change.cells.begin(), change.cells.end(), [column](const CellView& cell) { return cell.column == column; });
    return found == change.cells.end() ? nullptr : &*found;
}

std::optional<std::string> text_of(const ValueView& value) {
    if (value.type() != ValueType::text) return std::nullopt;
    return std::string(value.bytes());
}

}  // namespace

TextBases::TextBases(sqlite::Connection& db, const Schema& schema, Outbox& outbox)
    : db_(db), schema_(schema), outbox_(outbox), recent_(limits::text_cache_bytes) {}

std::string TextBases::find(TransactionNumber number, const ChangeView& change, const CellView& cell) {
    const TextDigest base = base_of_edit(cell.edit);
    const Cell where{change.table, change.key, cell.column, table_id_of(schema_, *change.table)};
    const auto is_base = [&](const std::optional<std::string>& text) { return text && digest_text(*text) == base; };
    std::optional<std::string> text = known_text(where, base);
    if (!text) text = before_all_since(number, where);
    if (!is_base(text)) text = left_by_the_one_before(number, where);
    if (!is_base(text)) {
        throw Error(ErrorCode::corrupt, "the text that a queued edit of table " + change.table->name + " was made of is not in the file any more",
                    "the table or Tombolo's tables were changed behind its back; restore the file from a backup");
    }
    recent_.put(base, *text);
    return *std::move(text);
}

std::string TextBases::find(const TextDigest& base) {
    std::optional<std::string> text;
    const auto place = known().edits.find(base);
    if (place != known().edits.end()) {
        visit(place->second, [&](const ChangeView& change) {
            for (const CellView& cell : change.cells) {
                if (!text && !cell.edit.empty() && base_of_edit(cell.edit) == base) text = find(place->second.number, change, cell);
            }
        });
    }
    if (!text) throw Error(ErrorCode::protocol, "the hub asks for a text that no queued edit was made of");
    return *std::move(text);
}

const ChangeView& TextBases::make_whole(TransactionNumber number, const ChangeView& change, WholeChange& buffer) {
    const ChangeView* whole = buffer.make(change, [&](const CellView& cell) { return find(number, change, cell); });
    if (whole == nullptr) throw Error(ErrorCode::corrupt, "a queued edit does not fit its text", "restore the file from a backup");
    for (size_t i = 0; i < change.cells.size(); ++i) {
        if (change.cells[i].edit.empty()) continue;
        const std::string_view value = whole->cells[i].value.bytes();
        recent_.put(digest_text(value), value);  // mostly the next one's base
    }
    return *whole;
}

std::optional<std::string> TextBases::known_text(const Cell& cell, const TextDigest& base) {
    if (const std::string* recent = recent_.find(base)) return *recent;
    return stored(cell, base);
}

std::optional<std::string> TextBases::stored(const Cell& cell, const TextDigest& base) {
    sqlite::Statement& find = db_.cached("SELECT text FROM main.tombolo_base WHERE table_id = ?1 AND key = ?2 AND base = ?3");
    const sqlite::ResetGuard guard(find);
    if (!find.bind(1, cell.table_id).bind_blob(2, cell.key).bind_blob(3, base.view()).step()) return std::nullopt;
    return std::string(find.text(0));
}

// The row, with everything undone that transactions from `number` on did to the cell.
std::optional<std::string> TextBases::before_all_since(TransactionNumber number, const Cell& cell) {
    std::optional<std::string> text;
    std::vector<Value> present;
    if (known().rows.read(*cell.table, cell.key, present)) text = text_of(present[cell.column]);
    const std::vector<Place>& writers = places(cell.table_id, cell.key);
    for (auto place = writers.rbegin(); place != writers.rend() && place->number >= number; ++place) {
        visit(*place, [&](const ChangeView& change) {
            const CellView* written = cell_of(change, cell.column);
            if (written == nullptr || change.kind == ChangeKind::insert) return;
            if (written->edit.empty()) {
                text = text_of(written->base);
            } else if (text) {
                text = undo_edit(written->edit, *text);
            }
        });
    }
    return text;
}

// Backwards to the newest transaction before `number` whose text is known, then forwards again.
std::optional<std::string> TextBases::left_by_the_one_before(TransactionNumber number, const Cell& cell) {
    std::optional<std::string> text;
    std::vector<std::string> edits;
    const std::vector<Place>& writers = places(cell.table_id, cell.key);
    for (auto place = writers.rbegin(); place != writers.rend() && !text; ++place) {
        if (place->number >= number) continue;
        visit(*place, [&](const ChangeView& change) {
            const CellView* written = cell_of(change, cell.column);
            if (written == nullptr) return;
            if (written->edit.empty()) {
                text = text_of(written->value);
            } else {
                edits.emplace_back(written->edit);
                text = known_text(cell, base_of_edit(written->edit));
            }
        });
    }
    for (auto edit = edits.rbegin(); edit != edits.rend() && text; ++edit)
        text = apply_edit(*edit, *text);
    return text;
}

// --- what is kept ---

void TextBases::keep(const Table& table, std::string_view key, const std::function<Stay(TransactionNumber)>& stay) {
    const uint64_t table_id = table_id_of(schema_, table);
    std::map<uint32_t, TextDigest> left;  // by column, what the newest pending one leaves
    std::set<TextDigest> needed;
    sqlite::Statement& insert = db_.cached("INSERT OR IGNORE INTO main.tombolo_base(table_id, key, base, text) VALUES (?1, ?2, ?3, ?4)");
    for (const Place& place : places(table_id, key)) {
        const Stay stays = stay(place.number);
        if (stays == Stay::leaves) continue;
        visit(place, [&](const ChangeView& change) {
            for (const CellView& cell : change.cells) {
                std::optional<std::string> value;
                if (cell.edit.empty()) {
                    value = text_of(cell.value);
                } else {
                    const TextDigest base = base_of_edit(cell.edit);
                    const std::string text = find(place.number, change, cell);
                    const auto before = left.find(cell.column);
                    if (before == left.end() || before->second != base) {
                        needed.insert(base);
                        insert.bind(1, table_id).bind_blob(2, key).bind_blob(3, base.view()).bind_static(4, ValueView::text(text)).run();
                    }
                    value = apply_edit(cell.edit, text);
                }
                if (stays != Stay::pending) continue;
                left.erase(cell.column);
                if (value) left.emplace(cell.column, digest_text(*value));
            }
        });
    }
    std::vector<std::string> unneeded;
    {
        sqlite::Statement& list = db_.cached("SELECT base FROM main.tombolo_base WHERE table_id = ?1 AND key = ?2");
        const sqlite::ResetGuard guard(list);
        for (list.bind(1, table_id).bind_blob(2, key); list.step();) {
            const auto base = TextDigest::from_bytes(list.blob(0));
            if (!base || needed.count(*base) == 0) unneeded.emplace_back(list.blob(0));
        }
    }
    for (const std::string& base : unneeded) {
        db_.cached("DELETE FROM main.tombolo_base WHERE table_id = ?1 AND key = ?2 AND base = ?3")
            .bind(1, table_id)
            .bind_blob(2, key)
            .bind_blob(3, base)
            .run();
    }
}

void TextBases::drop(const Table& table, std::string_view key) {
    db_.cached("DELETE FROM main.tombolo_base WHERE table_id = ?1 AND key = ?2").bind(1, table_id_of(schema_, table)).bind_blob(2, key).run();
}

// --- where the changes of a row are ---

TextBases::Known& TextBases::known() {
    const TransactionNumber newest = newest_in_outbox();
    if (known_ && known_->newest == newest) return *known_;
    known_.emplace(Known{newest, {}, {}, TableRows(db_, nullptr)});
    std::vector<TransactionNumber> numbers;
    sqlite::Statement list = db_.prepare("SELECT number FROM main.tombolo_outbox ORDER BY number");
    while (list.step())
        numbers.push_back({list.number(0)});
    for (const TransactionNumber number : numbers)
        read_places(*known_, number);
    return *known_;
}

TransactionNumber TextBases::newest_in_outbox() {
    sqlite::Statement& find = db_.cached("SELECT coalesce(max(number), 0) FROM main.tombolo_outbox");
    const sqlite::ResetGuard guard(find);
    find.step();
    return {find.number(0)};
}

void TextBases::read_places(Known& known, TransactionNumber number) {
    for (uint32_t part = 0;; ++part) {
        const std::optional<std::string> rows = outbox_.part(number, part);
        if (!rows) return;
        wire::ChangeReader reader(schema_, *rows);
        for (uint32_t index = 0; const ChangeView* change = reader.next(); ++index) {
            const Place place{number, part, index};
            known.places[name_row(table_id_of(schema_, *change->table), change->key)].push_back(place);
            for (const CellView& cell : change->cells) {
                if (!cell.edit.empty()) known.edits[base_of_edit(cell.edit)] = place;
            }
        }
    }
}

const std::vector<TextBases::Place>& TextBases::places(uint64_t table_id, std::string_view key) {
    static const std::vector<Place> none;
    const Known& all = known();
    const auto found = all.places.find(name_row(table_id, key));
    return found == all.places.end() ? none : found->second;
}

template <typename Visit>
void TextBases::visit(const Place& place, Visit visit) {
    const std::optional<std::string> rows = outbox_.part(place.number, place.part);
    if (!rows) return;
    wire::ChangeReader reader(schema_, *rows);
    const ChangeView* change = reader.next();
    for (uint32_t index = 0; change != nullptr && index < place.index; ++index)
        change = reader.next();
    if (change != nullptr) visit(*change);
}

}  // namespace tombolo::device
