// Generators of messages, schemas and rows for the tests of this module.
#pragma once

#include <rapidcheck.h>

#include <string>
#include <vector>

#include "model/change.h"
#include "model/row.h"
#include "model/schema.h"
#include "wire/message.h"

namespace tombolo::wire::testing {

inline std::string any_bytes() { return *rc::gen::container<std::string>(rc::gen::arbitrary<char>()); }

// Small and great numbers alike: varints have an edge at every seventh bit.
inline uint64_t any_number() { return *rc::gen::arbitrary<uint64_t>() >> *rc::gen::inRange(0, 64); }
inline int64_t any_time() { return static_cast<int64_t>(any_number()) * (*rc::gen::arbitrary<bool>() ? 1 : -1); }
inline bool any_bool() { return *rc::gen::arbitrary<bool>(); }

template <typename IdType>
IdType any_id() {
    IdType id;
    for (uint8_t& byte : id.bytes)
        byte = *rc::gen::arbitrary<uint8_t>();
    return id;
}

inline Cursor any_cursor() { return {{any_number()}, {any_number()}}; }

inline Value any_value() {
    switch (*rc::gen::inRange(0, 5)) {
        case 1: return Value(any_time());
        case 2: return Value(*rc::gen::element(0.0, -0.0, 1.5, -1e308, 5e-324, 1.0 / 3));
        case 3: return Value(any_bytes() + std::string(static_cast<size_t>(*rc::gen::element(0, 1, 127, 128, 300)), 'x'));
        case 4: return Value::blob(any_bytes());
        default: return {};
    }
}

inline Schema any_schema() {
    Schema schema;
    const int tables = *rc::gen::inRange(1, 4);
    for (int t = 0; t < tables; ++t) {
        Table table;
        table.name = "table" + std::to_string(t);
        const auto columns = static_cast<uint32_t>(*rc::gen::inRange(1, 7));
        for (uint32_t c = 0; c < columns; ++c) {
            table.columns.push_back({"c" + std::to_string(c), *rc::gen::element<std::string>("", "TEXT", "INTEGER"),
                                     static_cast<ColumnPolicy>(*rc::gen::inRange(0, 11))});
        }
        table.key = {static_cast<uint32_t>(*rc::gen::inRange<int>(0, static_cast<int>(columns)))};
        if (columns > 1 && any_bool()) table.key.push_back((table.key[0] + *rc::gen::element(1U, columns - 1)) % columns);
        table.without_rowid = any_bool();
        table.delete_mode = static_cast<DeleteMode>(*rc::gen::inRange(0, 3));
        table.insert_mode = static_cast<InsertMode>(*rc::gen::inRange(0, 2));
        schema.statements.push_back("CREATE TABLE " + table.name + " (…)");
        schema.tables.push_back(table);
    }
    return schema;
}

inline std::vector<CellNote> any_notes() {
    std::vector<CellNote> notes;
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i)
        notes.push_back({any_bytes(), any_bytes(), any_bytes(), any_bytes(), any_id<SiteId>(), static_cast<CellFate>(*rc::gen::inRange(1, 4))});
    return notes;
}

inline Verdict any_verdict() {
    return {{any_number()},
            any_id<TransactionId>(),
            static_cast<VerdictKind>(*rc::gen::inRange(1, 6)),
            static_cast<RejectCode>(*rc::gen::inRange(0, 14)),
            any_bytes(),
            {any_number()},
            {any_number()},
            any_time(),
            any_notes(),
            any_number()};
}

inline TransactionHeader any_header() {
    TransactionHeader header{{any_number()}, any_id<TransactionId>(), any_cursor(), any_time(), {}, any_bool(), any_time()};
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
        header.depends.push_back({any_number()});
    return header;
}

inline Message any_message(size_t type) {
    switch (type) {
        case 0: {
            Hello hello{static_cast<uint32_t>(any_number()),
                        any_bytes(),
                        any_bytes(),
                        any_bytes(),
                        any_id<SiteId>(),
                        {any_number()},
                        any_id<TransactionId>(),
                        any_cursor(),
                        {},
                        any_number(),
                        any_bool()};
            if (any_bool()) hello.resume = Resume{{any_number()}, {any_number()}, any_bytes()};
            return hello;
        }
        case 1: {
            PushPart part{{any_number()}, any_bool(), any_bool(), {}, any_bytes()};
            if (part.first) part.header = any_header();
            if (part.first) part.header.number = part.number;
            return part;
        }
        case 2: return Applied{any_cursor()};
        case 3: return Ping{any_number()};
        case 4: {
            Welcome welcome{static_cast<uint32_t>(any_number()),
                            any_bytes(),
                            any_bytes(),
                            {any_number()},
                            {any_number()},
                            any_time(),
                            {any_number()},
                            {any_number()},
                            any_id<TransactionId>(),
                            any_time(),
                            any_bool(),
                            any_bool(),
                            any_time(),
                            {}};
            if (any_bool()) welcome.schema = any_schema();
            return welcome;
        }
        case 5: return Refuse{any_bytes(), any_bytes(), any_time()};
        case 6: return VerdictNotice{any_verdict()};
        case 7: {
            const std::string rows = any_bytes() + std::string(static_cast<size_t>(*rc::gen::element(0, 100, 5000)), 'r');
            return CheckpointPart{any_bool(), {any_number()}, {any_number()}, any_bytes(), any_number(), any_number(), rows};
        }
        case 8: {
            CheckpointEnd end{{any_number()}, any_cursor(), any_time(), {any_number()}, {}};
            for (int i = *rc::gen::inRange(0, 12); i > 0; --i)
                end.verdicts.push_back(any_verdict());
            return end;
        }
        case 9: return Pong{any_number(), {any_number()}, any_time(), any_time()};
        case 10: return VerifyRequest{any_number(), any_bytes(), {1, 2, 4000000000U}};
        case 12: return BaseRequest{{any_number()}, {any_id<TextDigest>(), any_id<TextDigest>()}};
        case 13: return BaseText{{any_number()}, any_bytes()};
        default:
            return VerifyAnswer{any_number(), {any_number()}, any_number() % 2 == 0, {{any_bytes(), any_number(), {any_number(), 0}}}, any_bytes()};
    }
}

inline Message any_message() { return any_message(*rc::gen::inRange<size_t>(0, std::variant_size_v<Message>)); }

}  // namespace tombolo::wire::testing
