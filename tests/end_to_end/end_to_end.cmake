# The program itself, as its users run it. Each file is one test; python3's standard library is all they need.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

foreach(name commands sync conflicts kill examples)
  add_test(NAME end_to_end_${name} COMMAND ${Python3_EXECUTABLE} -W error::SyntaxWarning ${PROJECT_SOURCE_DIR}/tests/end_to_end/${name}_test.py)
  set_tests_properties(end_to_end_${name} PROPERTIES TIMEOUT 600
    ENVIRONMENT "TOMBOLO_PROGRAM=$<TARGET_FILE:tombolo_program>;TOMBOLO_EXAMPLES=${PROJECT_BINARY_DIR}/examples")
endforeach()

foreach(name quickstart offline_first own_handle two_devices)
  add_executable(example_${name} ${PROJECT_SOURCE_DIR}/examples/${name}.cc)
  set_target_properties(example_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
  target_link_libraries(example_${name} PRIVATE tombolo_client tombolo_warnings)
endforeach()
