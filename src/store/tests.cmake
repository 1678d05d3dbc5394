tombolo_add_test(store_test SOURCES src/store/sqlite_store_test.cc src/store/schema_sql_test.cc DEPS tombolo_store)
