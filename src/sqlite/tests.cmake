tombolo_add_test(sqlite_test SOURCES src/sqlite/expression_test.cc DEPS tombolo_sqlite)
