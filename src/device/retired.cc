#include "device/retired.h"

#include <algorithm>

#include "device/outbox.h"
#include "tombolo/error.h"

namespace tombolo::device {

namespace {
TransactionNumber present_number(const std::map<TransactionNumber, TransactionNumber>& retired, TransactionNumber number) {
    for (auto found = retired.find(number); found != retired.end() && found->second.value != 0; found = retired.find(number))
        number = found->second;  // always a greater one
    return number;
}
}  // namespace

void RetiredNumbers::add(const Retired& retired, WallTime at) {
    db_.cached("INSERT INTO tombolo_retired(number, verdict, retried_as, ended_by, at) VALUES (?1, ?2, ?3, ?4, ?5)")
        .with(retired.verdict.number.value, ValueView::blob(encode_verdict(retired.verdict)), retired.retried_as.value,
              retired.by ? ValueView::text(*retired.by) : ValueView{}, at)
        .run();
}

std::optional<Retired> RetiredNumbers::find(TransactionNumber number) {
    sqlite::Statement& row = db_.cached("SELECT verdict, retried_as, ended_by FROM main.tombolo_retired WHERE number = ?1");
    const sqlite::ResetGuard guard(row);
    if (!row.with(number.value).step()) return std::nullopt;
    Retired retired;
    if (!decode_verdict(row.blob(0), retired.verdict))
        throw Error(ErrorCode::corrupt, "the verdict of a retired transaction cannot be read", "restore the file from a backup");
    retired.retried_as.value = row.number(1);
    if (!row.is_null(2)) retired.by = std::string(row.text(2));
    return retired;
}

std::map<TransactionNumber, TransactionNumber> RetiredNumbers::all() {
    std::map<TransactionNumber, TransactionNumber> numbers;
    sqlite::Statement& rows = db_.cached("SELECT number, retried_as FROM main.tombolo_retired");
    const sqlite::ResetGuard guard(rows);
    while (rows.step())
        numbers.emplace(TransactionNumber{rows.number(0)}, TransactionNumber{rows.number(1)});
    return numbers;
}

void RetiredNumbers::forget_up_to(uint64_t number) { db_.cached("DELETE FROM main.tombolo_retired WHERE number <= ?1").with(number).run(); }

bool RetiredNumbers::rename(const std::map<TransactionNumber, TransactionNumber>& retired, TransactionHeader& header, Verdict& verdict) {
    bool changed = false;
    const auto follow = [&](TransactionNumber& number) {
        const TransactionNumber now = present_number(retired, number);
        changed = changed || now != number;
        number = now;
    };
    for (TransactionNumber& number : header.depends)
        follow(number);
    follow(verdict.depends_on);
    std::sort(header.depends.begin(), header.depends.end());
    header.depends.erase(std::unique(header.depends.begin(), header.depends.end()), header.depends.end());
    return changed;
}

}  // namespace tombolo::device
