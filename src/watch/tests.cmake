tombolo_add_test(watch_test SOURCES src/watch/file_signal_test.cc src/watch/row_difference_test.cc src/watch/query_tables_test.cc DEPS tombolo_watch)
