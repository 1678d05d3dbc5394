include(${PROJECT_SOURCE_DIR}/tests/end_to_end/end_to_end.cmake)
include(${PROJECT_SOURCE_DIR}/tests/consumer/consumer.cmake)
