tombolo_add_test(merge_test
  SOURCES src/merge/merge_test.cc src/merge/manual_test.cc src/merge/telling_test.cc src/merge/json_test.cc src/merge/sql_test.cc src/merge/text_test.cc src/merge/edit_text_test.cc src/merge/triples_test.cc src/merge/whole_row_test.cc src/merge/rare_test.cc src/merge/overlay_test.cc src/merge/merge_laws_test.cc
  DEPS tombolo_merge)
include(tests/enumeration/tests.cmake)
