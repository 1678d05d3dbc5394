# Tests that need more than one module, and those of the documentation. Enumeration, end-to-end and consumer tests have files of their own.

# Its output is a page of the documentation.
add_executable(life_of_a_write_test tests/life_of_a_write_test.cc)
target_link_libraries(life_of_a_write_test PRIVATE tombolo_device tombolo_hub tombolo_store tombolo_warnings)
add_test(NAME life_of_a_write_test COMMAND life_of_a_write_test ${PROJECT_SOURCE_DIR}/docs/internals/life-of-a-write.md)
set_tests_properties(life_of_a_write_test PROPERTIES LABELS sanitized)
add_dependencies(sanitized_tests life_of_a_write_test)

# The pages: links, blocks that are files, tables that are told twice; and the commands of pages, as a reader would type them.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME docs COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/check_docs.py)
foreach(page start guides/conflicts)
  string(REPLACE "/" "_" name docs_${page})
  add_test(NAME ${name} COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/docs/console_test.py ${PROJECT_SOURCE_DIR}/docs/${page}.md)
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 ENVIRONMENT "TOMBOLO_PROGRAM=$<TARGET_FILE:tombolo_program>")
endforeach()

# The library and a hub in one process.
tombolo_add_test(library_test SOURCES tests/library_test.cc DEPS tombolo_client tombolo_server)
