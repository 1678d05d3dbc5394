# The program itself, as its users run it. Each file is one test; python3's standard library is all they need.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

foreach(name commands sync conflicts conflict_cases rejected text kill encryption examples)
  add_test(NAME end_to_end_${name} COMMAND ${Python3_EXECUTABLE} -W error::SyntaxWarning ${PROJECT_SOURCE_DIR}/tests/end_to_end/${name}_test.py)
  set_tests_properties(end_to_end_${name} PROPERTIES TIMEOUT 600
    ENVIRONMENT "TOMBOLO_PROGRAM=$<TARGET_FILE:tombolo_program>;TOMBOLO_EXAMPLES=${PROJECT_BINARY_DIR}/examples")
endforeach()

foreach(name quickstart offline_first own_handle two_devices keyring live_list)
  add_executable(example_${name} ${PROJECT_SOURCE_DIR}/examples/${name}.cc)
  set_target_properties(example_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
  target_link_libraries(example_${name} PRIVATE tombolo_client tombolo_warnings)
endforeach()

# An independent implementation of the file format, built from its npm package; 77: there is no npm here.
add_test(NAME end_to_end_interoperability
  COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/end_to_end/interoperability_test.py ${PROJECT_BINARY_DIR}/interoperability)
set_tests_properties(end_to_end_interoperability PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 1200 LABELS nightly
  ENVIRONMENT "TOMBOLO_PROGRAM=$<TARGET_FILE:tombolo_program>")

# Network namespaces that the test makes itself; 77: not permitted here. All cases at once take a minute and a half; the nightly plays
# them one after the other, each fault a minute long.
add_test(NAME end_to_end_network COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/end_to_end/network_test.py)
add_test(NAME end_to_end_network_long COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/end_to_end/network_test.py --long)
set_tests_properties(end_to_end_network end_to_end_network_long PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 3600 RUN_SERIAL ON
  ENVIRONMENT "TOMBOLO_PROGRAM=$<TARGET_FILE:tombolo_program>")

add_executable(tombolo_herd ${PROJECT_SOURCE_DIR}/tests/herd.cc)
set_target_properties(tombolo_herd PROPERTIES OUTPUT_NAME tombolo-herd)
target_link_libraries(tombolo_herd PRIVATE tombolo_client tombolo_warnings)
add_test(NAME end_to_end_herd COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/end_to_end/herd_test.py)
add_test(NAME end_to_end_herd_of_500 COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/end_to_end/herd_test.py 500)
set_tests_properties(end_to_end_herd end_to_end_herd_of_500 PROPERTIES TIMEOUT 1200 RUN_SERIAL ON
  ENVIRONMENT "TOMBOLO_PROGRAM=$<TARGET_FILE:tombolo_program>;TOMBOLO_HERD=$<TARGET_FILE:tombolo_herd>")
set_tests_properties(end_to_end_network_long end_to_end_herd_of_500 PROPERTIES LABELS nightly)
