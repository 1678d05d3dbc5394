# Tests: tombolo_add_test(NAME SOURCES path/to/test.cc … DEPS targets). Sources sit beside what they test, or in tests/ when they
# need more than one module. Labels: "sanitized" runs under the sanitizers too; "nightly" only with ./test --all.
# The target sanitized_tests builds what the label runs.
find_package(GTest REQUIRED)
find_package(rapidcheck REQUIRED)

add_custom_target(sanitized_tests)

# The program of a test alone, for one that is registered otherwise.
function(tombolo_add_test_program name)
  cmake_parse_arguments(test "" "" "DEPS;SOURCES" ${ARGN})
  add_executable(${name} ${test_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${test_DEPS} GTest::gtest GTest::gtest_main rapidcheck tombolo_warnings)
endfunction()

function(tombolo_add_test name)
  tombolo_add_test_program(${name} ${ARGN})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS sanitized)
  add_dependencies(sanitized_tests ${name})
endfunction()

# Each module lists its tests in its own tests.cmake.
foreach(module base model merge wire crypto sqlite device store hub network watch client server cli)
  include(${PROJECT_SOURCE_DIR}/src/${module}/tests.cmake OPTIONAL)
endforeach()
include(${PROJECT_SOURCE_DIR}/tests/tests.cmake OPTIONAL)
include(${PROJECT_SOURCE_DIR}/sim/sim.cmake OPTIONAL)
