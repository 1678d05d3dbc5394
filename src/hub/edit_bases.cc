#include "hub/edit_bases.h"

#include <algorithm>

#include "base/limits.h"
#include "tombolo/error.h"

namespace tombolo::hub {

void SentBases::add(store::Store& store, const TextDigest& digest, std::string text) {
    if (!texts_) texts_.emplace(store.make_spool(limits::spool_bytes_min));
    if (!pieces_.emplace(digest, texts_->pieces()).second) return;
    texts_->append(std::move(text));
}

std::optional<std::string> SentBases::find(const TextDigest& digest) {
    const auto piece = pieces_.find(digest);
    if (piece == pieces_.end()) return std::nullopt;
    return std::string(texts_->piece(piece->second));
}

const ChangeView* WholeChanges::next() {
    if (!lacking_.empty()) return nullptr;
    const ChangeView* change = changes_.next();
    if (change == nullptr || !has_edits(*change)) return change;
    if (!find_bases(*change)) {
        collect_lacking();
        return nullptr;
    }
    const ChangeView* whole = whole_.make(*change, [this](const CellView&) {
        std::string base = std::move(bases_.front());
        bases_.pop_front();
        return base;
    });
    if (whole == nullptr) throw Error(ErrorCode::protocol, "an edit of a text of " + change->table->name + " does not fit the text it names");
    keep_recent(*change, *whole);
    return whole;
}

std::optional<std::string> WholeChanges::find(const ChangeView& change, const CellView& cell) {
    const TextDigest base = base_of_edit(cell.edit);
    if (const std::string* recent = recent_.find(base)) return *recent;
    const Existence existence = store_.find(*change.table, change.key, row_);
    if (existence != Existence::unknown && cell.column < row_.values.size()) {
        const Value& stored = row_.values[cell.column];
        if (stored.type() == ValueType::text && digest_text(stored.bytes()) == base) return std::string(stored.bytes());
    }
    return sent_.find(base);
}

bool WholeChanges::find_bases(const ChangeView& change) {
    bases_.clear();
    bool complete = true;
    for (const CellView& cell : change.cells) {
        if (cell.edit.empty()) continue;
        count(cell);
        if (std::optional<std::string> base = find(change, cell)) {
            bases_.push_back(*std::move(base));
            continue;
        }
        complete = false;
        const TextDigest digest = base_of_edit(cell.edit);
        const bool is_new = std::find(lacking_.begin(), lacking_.end(), digest) == lacking_.end();
        if (is_new && lacking_.size() < limits::base_request_max) lacking_.push_back(digest);
    }
    return complete;
}

// A small edit may stand for a large text: written out, a transaction is under the same limit.
void WholeChanges::count(const CellView& cell) {
    whole_bytes_ += cell.edit.size() + 2 * base_size_of_edit(cell.edit);
    if (whole_bytes_ > limits::transaction_bytes_max)
        throw Error(ErrorCode::too_large, "the texts that the transaction edits are larger than a transaction may be");
}

void WholeChanges::collect_lacking() {
    while (lacking_.size() < limits::base_request_max) {
        const ChangeView* change = changes_.next();
        if (change == nullptr) return;
        find_bases(*change);
    }
}

// The next edit of this text is mostly of what this one made; that of another device mostly of what this one was made of.
void WholeChanges::keep_recent(const ChangeView& change, const ChangeView& whole) {
    for (size_t i = 0; i < change.cells.size(); ++i) {
        if (change.cells[i].edit.empty()) continue;
        recent_.put(base_of_edit(change.cells[i].edit), whole.cells[i].base.bytes());
        recent_.put(digest_text(whole.cells[i].value.bytes()), whole.cells[i].value.bytes());
    }
}

}  // namespace tombolo::hub
