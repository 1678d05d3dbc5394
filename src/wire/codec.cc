#include "wire/codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "base/coding.h"
#include "base/limits.h"
#include "model/record.h"
#include "wire/frame.h"

namespace tombolo::wire {

namespace {

// --- what each structure consists of: one list for both directions, so that they cannot come apart ---

template <typename T, typename U>
concept Like = std::same_as<std::remove_const_t<T>, U>;

auto fields(Like<Cursor> auto& m) { return std::tie(m.epoch, m.seq); }
auto fields(Like<Resume> auto& m) { return std::tie(m.complete, m.target, m.position); }
auto fields(Like<TransactionHeader> auto& m) { return std::tie(m.number, m.id, m.seen, m.written_at, m.depends, m.retry, m.stamp); }
auto fields(Like<Verdict> auto& m) {
    return std::tie(m.number, m.id, m.kind, m.code, m.reason, m.depends_on, m.seq, m.stamp, m.cells_in_all, m.cells);
}
auto fields(Like<CellNote> auto& m) { return std::tie(m.table, m.key, m.column, m.conflict, m.other, m.fate); }
auto fields(Like<Column> auto& m) { return std::tie(m.name, m.type, m.policy, m.expression, m.default_value); }
auto fields(Like<Table> auto& m) { return std::tie(m.name, m.columns, m.key, m.without_rowid, m.delete_mode, m.insert_mode, m.whole_rows); }

auto fields(Like<Hello> auto& m) {
    return std::tie(m.protocol, m.program, m.space, m.token, m.site, m.last_number, m.last_id, m.cursor, m.resume, m.schema_hash, m.schema_only);
}
auto fields(Like<Applied> auto& m) { return std::tie(m.cursor); }
auto fields(Like<Ping> auto& m) { return std::tie(m.nonce); }
auto fields(Like<Welcome> auto& m) {
    return std::tie(m.protocol, m.program, m.space_id, m.epoch, m.head, m.hub_time, m.site_number, m.last_number, m.last_id, m.last_stamp, m.rebuild,
                    m.resumed, m.retry_spread, m.schema);
}
auto fields(Like<Refuse> auto& m) { return std::tie(m.code, m.reason, m.retry_after); }
auto fields(Like<VerdictNotice> auto& m) { return std::tie(m.verdict); }
auto fields(Like<CheckpointPart> auto& m) { return std::tie(m.rebuild, m.complete, m.target, m.position, m.rows_done, m.rows_total, m.rows); }
auto fields(Like<CheckpointEnd> auto& m) { return std::tie(m.from, m.to, m.hub_time, m.head, m.verdicts); }
auto fields(Like<Pong> auto& m) { return std::tie(m.nonce, m.head, m.hub_time, m.retry_spread); }
auto fields(Like<VerifyRequest> auto& m) { return std::tie(m.nonce, m.table, m.buckets); }
auto fields(Like<TableDigest> auto& m) { return std::tie(m.table, m.rows, m.sums); }
auto fields(Like<VerifyAnswer> auto& m) { return std::tie(m.nonce, m.seq, m.last, m.digests, m.rows); }
auto fields(Like<BaseRequest> auto& m) { return std::tie(m.number, m.bases); }
auto fields(Like<BaseText> auto& m) { return std::tie(m.number, m.text); }

template <typename T>
concept Structure = requires(T& structure) {
    fields(structure);
};

template <typename Enum>
struct Range;  // the values an enum may have on the wire
template <>
struct Range<VerdictKind> {
    static constexpr auto first = VerdictKind::accepted, last = VerdictKind::discarded;
};
template <>
struct Range<RejectCode> {
    static constexpr auto first = RejectCode::none, last = RejectCode::backend;
};
template <>
struct Range<CellFate> {
    static constexpr auto first = CellFate::lost, last = CellFate::waits;
};
template <>
struct Range<ColumnPolicy> {
    static constexpr auto first = ColumnPolicy::lww, last = ColumnPolicy::sql;
};
template <>
struct Range<DeleteMode> {
    static constexpr auto first = DeleteMode::update_wins, last = DeleteMode::manual;
};
template <>
struct Range<InsertMode> {
    static constexpr auto first = InsertMode::reject, last = InsertMode::merge;
};

// --- writing ---

class Encoder {
public:
    explicit Encoder(std::string& out) : out_(out) {}

    void put(bool value) { out_.push_back(value ? 1 : 0); }
    void put(uint32_t value) { put_varint(out_, value); }
    void put(uint64_t value) { put_varint(out_, value); }
    void put(int64_t value) { put_signed(out_, value); }
    void put(const std::string& value) { put_bytes(out_, value); }
    void put(const Value& value) { put_value(out_, value); }
    void put(const Schema& schema) { put_bytes(out_, encode_schema(schema)); }
    template <typename Tag>
    void put(const Number<Tag>& number) {
        put_varint(out_, number.value);
    }
    template <typename Tag>
    void put(const Id<Tag>& id) {
        out_.append(id.view());
    }
    template <typename Enum>
    requires std::is_enum_v<Enum>
    void put(Enum value) { out_.push_back(static_cast<char>(value)); }
    template <typename T>
    void put(const std::optional<T>& value) {
        put(value.has_value());
        if (value) put(*value);
    }
    template <typename T>
    void put(const std::vector<T>& list) {
        put_varint(out_, list.size());
        for (const T& item : list)
            put(item);
    }
    void put(const PushPart& part) {
        put(part.number);
        put(part.first);
        put(part.last);
        if (part.first) put(part.header);
        put(part.rows);
    }
    template <Structure T>
    void put(const T& structure) {
        std::apply([this](const auto&... field) { (this->put(field), ...); }, fields(structure));
    }

private:
    std::string& out_;
};

// --- reading; a mistake fails the reader, who called decides what to say ---

class Decoder {
public:
    explicit Decoder(Reader& in) : in_(in) {}

    void read(bool& value) {
        const uint8_t byte = in_.byte();
        if (byte > 1) in_.fail();
        value = byte == 1;
    }
    void read(uint32_t& value) {
        const uint64_t wide = in_.varint();
        if (wide > std::numeric_limits<uint32_t>::max()) in_.fail();
        value = static_cast<uint32_t>(wide);
    }
    void read(uint64_t& value) { value = in_.varint(); }
    void read(int64_t& value) { value = in_.signed_varint(); }
    void read(std::string& value) { value = in_.bytes(); }
    void read(Value& value) { value = Value(read_value(in_)); }
    void read(Schema& schema) {
        const std::string_view bytes = in_.bytes();
        if (!in_.failed()) schema = decode_schema(bytes);
    }
    template <typename Tag>
    void read(Number<Tag>& number) {
        number.value = in_.varint();
    }
    template <typename Tag>
    void read(Id<Tag>& id) {
        if (const auto parsed = Id<Tag>::from_bytes(in_.take(id.bytes.size()))) id = *parsed;
    }
    template <typename Enum>
    requires std::is_enum_v<Enum>
    void read(Enum& value) {
        const uint8_t byte = in_.byte();
        if (byte < static_cast<uint8_t>(Range<Enum>::first) || byte > static_cast<uint8_t>(Range<Enum>::last)) {
            in_.fail();
            return;
        }
        value = static_cast<Enum>(byte);
    }
    template <typename T>
    void read(std::optional<T>& value) {
        bool present = false;
        read(present);
        if (present && !in_.failed()) read(value.emplace());
    }
    template <typename T>
    void read(std::vector<T>& list) {
        const uint64_t count = in_.count();
        // An item in memory may be many times its bytes, so memory follows what was really read.
        for (uint64_t i = 0; i < count && !in_.failed(); ++i)
            read(list.emplace_back());
    }
    void read(PushPart& part) {
        read(part.number);
        read(part.first);
        read(part.last);
        if (part.first) read(part.header);
        if (part.first && part.header.number != part.number) in_.fail();
        read(part.rows);
    }
    template <Structure T>
    void read(T& structure) {
        std::apply([this](auto&... field) { (this->read(field), ...); }, fields(structure));
    }

private:
    Reader& in_;
};

// --- types ---

constexpr std::array<std::string_view, std::variant_size_v<Message>> names = {
    "Hello",          "PushPart",      "Applied", "Ping",          "Welcome",      "Refuse",      "VerdictNotice",
    "CheckpointPart", "CheckpointEnd", "Pong",    "VerifyRequest", "VerifyAnswer", "BaseRequest", "BaseText",
};

template <size_t index>
Message decode_as(Reader& in) {
    std::variant_alternative_t<index, Message> message;
    Decoder(in).read(message);
    return message;
}

using DecodeFunction = Message (*)(Reader&);

template <size_t... index>
constexpr std::array<DecodeFunction, sizeof...(index)> decode_functions(std::index_sequence<index...>) {
    return {decode_as<index>...};
}

constexpr auto decode_by_type = decode_functions(std::make_index_sequence<std::variant_size_v<Message>>());

bool is_sound(const Table& table) {
    if (table.columns.empty() || table.columns.size() > limits::columns_max || table.key.empty()) return false;
    std::vector<bool> in_key(table.columns.size());
    for (const uint32_t column : table.key) {
        if (column >= table.columns.size() || in_key[column]) return false;
        in_key[column] = true;
    }
    return true;
}

}  // namespace

std::string_view name(const Message& message) { return names[message.index()]; }

std::string encode(const Message& message) {
    std::string body;
    std::visit([&body](const auto& m) { Encoder(body).put(m); }, message);
    return put_frame(static_cast<uint8_t>(message.index()), body);
}

Message decode(std::string_view bytes, size_t size_max) {
    std::string inflated;
    const Frame frame = read_frame(bytes, size_max, inflated);
    if (frame.type >= decode_by_type.size()) throw Error(ErrorCode::protocol, fmt::format("message type {} is not known", frame.type));
    Reader in(frame.body);
    Message message = decode_by_type[frame.type](in);
    if (in.failed()) throw Error(ErrorCode::protocol, fmt::format("a {} message is cut short or malformed", names[frame.type]));
    if (!in.at_end()) throw Error(ErrorCode::protocol, fmt::format("a {} message has {} bytes too many", names[frame.type], in.left()));
    return message;
}

std::string encode_schema(const Schema& schema) {
    std::string out;
    Encoder encoder(out);
    encoder.put(schema.tables);
    encoder.put(schema.statements);
    return out;
}

Schema decode_schema(std::string_view bytes) {
    if (bytes.size() > schema_bytes_max) {
        throw Error(ErrorCode::too_large, fmt::format("a schema of {} bytes is over the limit of {} bytes", bytes.size(), schema_bytes_max));
    }
    Schema schema;
    Reader in(bytes);
    Decoder decoder(in);
    decoder.read(schema.tables);
    decoder.read(schema.statements);
    if (in.failed() || !in.at_end()) throw Error(ErrorCode::protocol, "a schema is cut short or malformed");
    if (!std::all_of(schema.tables.begin(), schema.tables.end(), is_sound)) {
        throw Error(ErrorCode::protocol, "a schema has a table without a proper primary key, or with too many columns");
    }
    return schema;
}

uint64_t hash_schema(const Schema& schema) {
    uint64_t hash = 0xcbf29ce484222325;
    for (const char c : encode_schema(schema)) {
        hash ^= static_cast<uint8_t>(c);
        hash *= 0x100000001b3;
    }
    return hash == 0 ? 1 : hash;
}

}  // namespace tombolo::wire
