tombolo_add_test(wire_test SOURCES src/wire/codec_test.cc src/wire/fragment_test.cc src/wire/rows_test.cc DEPS tombolo_wire)
target_compile_definitions(wire_test PRIVATE TOMBOLO_GOLDEN_DIR="${PROJECT_SOURCE_DIR}/tests/golden")
