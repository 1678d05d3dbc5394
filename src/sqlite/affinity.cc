#include "sqlite/affinity.h"

#include <algorithm>
#include <string>

#include "sqlite/connection.h"

namespace tombolo::sqlite {

namespace {
const char* type_name(Affinity affinity) {
    switch (affinity) {
        case Affinity::blob: return "BLOB";
        case Affinity::text: return "TEXT";
        case Affinity::numeric: return "NUMERIC";
        case Affinity::integer: return "INTEGER";
        case Affinity::real: return "REAL";
    }
    return "BLOB";
}
}  // namespace

// The first of these that the declared type contains decides.
Affinity affinity_of(std::string_view declared_type) {
    std::string upper(declared_type);
    std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    const auto contains = [&](const char* part) { return upper.find(part) != std::string::npos; };
    if (contains("INT")) return Affinity::integer;
    if (contains("CHAR") || contains("CLOB") || contains("TEXT")) return Affinity::text;
    if (contains("BLOB") || upper.empty()) return Affinity::blob;
    if (contains("REAL") || contains("FLOA") || contains("DOUB")) return Affinity::real;
    return Affinity::numeric;
}

// SQLite itself is asked: which texts look like numbers is its own matter.
Value as_stored(Affinity affinity, const ValueView& value) {
    Connection scratch = Connection::open(":memory:");
    scratch.execute(std::string("CREATE TABLE t(c ") + type_name(affinity) + ")");
    scratch.prepare("INSERT INTO t VALUES (?1)").with(value).run();
    Statement read = scratch.prepare("SELECT c FROM t");
    read.step();
    return Value(read.value(0));
}

}  // namespace tombolo::sqlite
