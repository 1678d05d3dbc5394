// SQL values as C++ values: exactly what SQLite stores, bit for bit, with its storage class.
#pragma once

#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tombolo {

// SQLite's storage classes. The numbers are persisted in records (model/record.h): never renumber.
enum class ValueType : uint8_t { null = 0, integer = 1, real = 2, text = 3, blob = 4 };

// A value that points into memory owned by somebody else, valid as long as that memory is. 24 bytes, passed by value.
// Text is bytes as SQLite stores them: it may hold NUL and invalid UTF-8.
class ValueView {
public:
    constexpr ValueView() = default;
    static constexpr ValueView integer(int64_t value) {
        ValueView v;
        v.type_ = ValueType::integer;
        v.integer_ = value;
        return v;
    }
    static constexpr ValueView real(double value) {
        ValueView v;
        v.type_ = ValueType::real;
        v.real_ = value;
        return v;
    }
    static constexpr ValueView text(std::string_view bytes) { return ValueView(ValueType::text, bytes); }
    static constexpr ValueView blob(std::string_view bytes) { return ValueView(ValueType::blob, bytes); }

    constexpr ValueType type() const { return type_; }
    constexpr bool is_null() const { return type_ == ValueType::null; }
    constexpr int64_t as_integer() const { return integer_; }  // only for ValueType::integer
    constexpr double as_real() const { return real_; }         // only for ValueType::real
    constexpr std::string_view bytes() const {                 // only for text and blob
        return {type_ == ValueType::text || type_ == ValueType::blob ? data_ : nullptr,
                type_ == ValueType::text || type_ == ValueType::blob ? size_ : 0};
    }

    // Identity, not SQL equality: same storage class and same bits. 1 and 1.0 differ; so do 0.0 and -0.0.
    friend bool operator==(const ValueView& a, const ValueView& b) {
        if (a.type_ != b.type_) return false;
        switch (a.type_) {
            case ValueType::null: return true;
            case ValueType::integer: return a.integer_ == b.integer_;
            case ValueType::real: return std::memcmp(&a.real_, &b.real_, sizeof a.real_) == 0;
            case ValueType::text:
            case ValueType::blob: return a.bytes() == b.bytes();
        }
        return false;
    }

private:
    constexpr ValueView(ValueType type, std::string_view bytes) : type_(type), size_(bytes.size()), data_(bytes.data()) {}

    ValueType type_ = ValueType::null;
    size_t size_ = 0;
    union {
        int64_t integer_ = 0;
        double real_;
        const char* data_;
    };
};

// A value that owns its bytes. Regular: copied, compared (identity, as ValueView), stored.
class Value {
public:
    Value() = default;
    Value(std::nullptr_t) {}                                             // NOLINT(google-explicit-constructor)
    Value(int value) : state_(int64_t{value}) {}                         // NOLINT(google-explicit-constructor)
    Value(int64_t value) : state_(value) {}                              // NOLINT(google-explicit-constructor)
    Value(double value) : state_(value) {}                               // NOLINT(google-explicit-constructor)
    Value(std::string value) : state_(Text{std::move(value)}) {}         // NOLINT(google-explicit-constructor)
    Value(std::string_view value) : state_(Text{std::string(value)}) {}  // NOLINT(google-explicit-constructor)
    Value(const char* value) : state_(Text{value}) {}                    // NOLINT(google-explicit-constructor)
    explicit Value(const ValueView& view) {
        switch (view.type()) {
            case ValueType::null: break;
            case ValueType::integer: state_ = view.as_integer(); break;
            case ValueType::real: state_ = view.as_real(); break;
            case ValueType::text: state_ = Text{std::string(view.bytes())}; break;
            case ValueType::blob: state_ = Blob{std::string(view.bytes())}; break;
        }
    }
    static Value blob(std::string bytes) {
        Value v;
        v.state_ = Blob{std::move(bytes)};
        return v;
    }

    ValueType type() const { return static_cast<ValueType>(state_.index()); }
    bool is_null() const { return state_.index() == 0; }
    int64_t as_integer() const { return std::get<int64_t>(state_); }
    double as_real() const { return std::get<double>(state_); }
    // The bytes of a text or blob; empty for the other types.
    std::string_view bytes() const {
        if (const auto* text = std::get_if<Text>(&state_)) return text->bytes;
        if (const auto* blob = std::get_if<Blob>(&state_)) return blob->bytes;
        return {};
    }
    ValueView view() const {
        switch (type()) {
            case ValueType::null: return {};
            case ValueType::integer: return ValueView::integer(as_integer());
            case ValueType::real: return ValueView::real(as_real());
            case ValueType::text: return ValueView::text(bytes());
            case ValueType::blob: return ValueView::blob(bytes());
        }
        return {};
    }
    operator ValueView() const { return view(); }  // NOLINT(google-explicit-constructor)

    friend bool operator==(const Value& a, const Value& b) { return a.view() == b.view(); }

private:
    struct Text {
        std::string bytes;
    };
    struct Blob {
        std::string bytes;
    };
    std::variant<std::monostate, int64_t, double, Text, Blob> state_;
};

using Row = std::vector<Value>;

// The result of a query: column names (a repeated name gets ":1", ":2" appended) and rows.
struct Rows {
    std::vector<std::string> columns;
    std::vector<Row> rows;

    bool empty() const { return rows.empty(); }
    size_t size() const { return rows.size(); }
    const Row& operator[](size_t index) const { return rows[index]; }
};

}  // namespace tombolo
