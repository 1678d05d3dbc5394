tombolo_add_module(store DEPS tombolo_model tombolo_sqlite
  SOURCES spool.cc table_definition.cc schema_sql.cc sqlite_table.cc foreign_keys.cc sqlite_store.cc)
