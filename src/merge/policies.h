// Column policies: what a cell becomes, each a pure function of the situation. A new policy is a function here and a line in decide.
//
// A choosing policy (lww, hub) keeps one of the two writes whole; a losing write leaves no mark on the cell. A combining policy
// (counter, max, min, set, json, text, sql) lets every write into the value, so every write becomes the cell's last, even one that did not move it.
// `manual` chooses the stored value, and keeps the other for a person to decide; so does `sql` where its expression has no answer.
#pragma once

#include <functional>
#include <optional>

#include "model/policy.h"
#include "model/transaction.h"
#include "tombolo/value.h"

namespace tombolo::merge {

// An arriving write to one cell, and how it stands to the stored value.
struct Situation {
    ValueView stored;
    ValueView base;  // what the author of the arriving write saw
    ValueView arriving;
    bool unseen = false;      // the author did not know the stored value, or a value of a stranger below it
    bool own = false;         // the stored value is by the arriving write's site
    bool later = false;       // the arriving write has the greater stamp
    bool superseded = false;  // a retry, and its site has since written the cell again
    bool replaced = false;    // as superseded, and that later write is the stored one
    // What the column's expression makes of the two, nullopt if nothing. ColumnPolicy::sql only; nullptr: nobody to ask.
    const std::function<std::optional<Value>()>* expression = nullptr;
};

enum class Take : uint8_t { stored, arriving, combined };

struct Decision {
    Take take = Take::stored;
    Value combined{};          // Take::combined only
    bool claims = false;       // the arriving write becomes the cell's last writer
    bool keeps_stamp = false;  // the cell's stamp is the greater of both
    bool opens = false;        // a person is to decide: the arriving write becomes a candidate
    RejectCode code = RejectCode::none;
    const char* reason = "";  // completes "column C …"
};

Decision decide(ColumnPolicy policy, const Situation& situation);

Decision decide_lww(const Situation& situation);
Decision decide_hub(const Situation& situation);
Decision decide_device(const Situation& situation);
Decision decide_manual(const Situation& situation);
Decision decide_counter(const Situation& situation);
Decision decide_max(const Situation& situation);
Decision decide_min(const Situation& situation);
// Values that a three-way merge can take apart; others, of any of the three, fall to the later write.
Decision decide_set(const Situation& situation);
Decision decide_json(const Situation& situation);
Decision decide_text(const Situation& situation);
Decision decide_sql(const Situation& situation);

// SQLite's order of values: NULL, numbers, text, blobs; bytes within text and blobs. Negative, zero or positive. 1 and 1.0 are equal.
int compare_values(const ValueView& a, const ValueView& b);

}  // namespace tombolo::merge
