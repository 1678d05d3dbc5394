tombolo_add_test(client_test SOURCES src/client/json_test.cc src/client/session_lock_test.cc src/client/database_test.cc
  src/client/live_queries_test.cc DEPS tombolo_client)
