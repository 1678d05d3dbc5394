# A small project built against the installed tree.
set(consumer_flags)
if(TOMBOLO_SANITIZE)
  set(consumer_flags -fsanitize=${TOMBOLO_SANITIZE})
endif()
add_test(NAME consumer COMMAND ${CMAKE_COMMAND} -D BUILD=${PROJECT_BINARY_DIR} -D SOURCE=${PROJECT_SOURCE_DIR}/tests/consumer/project
  -D GENERATOR=${CMAKE_GENERATOR} -D COMPILER=${CMAKE_CXX_COMPILER} -D "FLAGS=${consumer_flags}" -P ${PROJECT_SOURCE_DIR}/tests/consumer/consumer_test.cmake)
set_tests_properties(consumer PROPERTIES TIMEOUT 600)
