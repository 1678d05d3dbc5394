#include "device/log_record.h"

namespace tombolo::device {

void put_context(std::string& out, const LogContext& context) {
    out.append(context.id.view());
    put_varint(out, context.seen.epoch.value);
    put_varint(out, context.seen.seq.value);
    put_signed(out, context.seen_time);
    put_signed(out, context.wall);
    put_signed(out, context.boot);
    out.append(context.boot_id.view());
    out.push_back(context.subject ? 1 : 0);
    if (context.subject) put_bytes(out, *context.subject);
}

bool read_context(Reader& in, LogContext& context) {
    const auto id = TransactionId::from_bytes(in.take(16));
    context.seen.epoch.value = in.varint();
    context.seen.seq.value = in.varint();
    context.seen_time = in.signed_varint();
    context.wall = in.signed_varint();
    context.boot = in.signed_varint();
    const auto boot_id = BootId::from_bytes(in.take(16));
    const uint8_t has_subject = in.byte();
    context.subject.reset();
    if (has_subject == 1) context.subject = std::string(in.bytes());
    if (in.failed() || !id || !boot_id || has_subject > 1) return false;
    context.id = *id;
    context.boot_id = *boot_id;
    return true;
}

bool read_op(Reader& in, LogOp& op) {
    Reader body(in.bytes());
    op.kind = static_cast<LogKind>(body.byte());
    op.table_id = body.varint();
    op.key = {};
    switch (op.kind) {
        case LogKind::insert: op.key = body.take(body.left()); break;
        case LogKind::update:
        case LogKind::keep: op.key = body.bytes(); break;
        case LogKind::erase: break;
        default: return false;
    }
    op.rest = body;
    return !in.failed() && !body.failed();
}

}  // namespace tombolo::device
