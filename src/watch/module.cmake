# Live queries: what a commit touched, which queries read it, and how their results changed.
tombolo_add_module(watch DEPS tombolo_device Threads::Threads
  SOURCES commit_board.cc commit_reporter.cc file_signal_linux.cc live_queries.cc query_tables.cc row_difference.cc subscription.cc)
