# cmake --install: headers, the libraries behind tombolo::tombolo, the program, and a package config for find_package(tombolo).
include(CMakePackageConfigHelpers)

# What an application links: one name, whatever stands behind it.
add_library(tombolo INTERFACE)
target_link_libraries(tombolo INTERFACE tombolo_client)
target_include_directories(tombolo INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# The public headers are C++20, whatever the application asked its compiler for.
target_compile_features(tombolo INTERFACE cxx_std_20)
add_library(tombolo::tombolo ALIAS tombolo)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tombolo)
install(TARGETS tombolo tombolo_base tombolo_model tombolo_merge tombolo_wire tombolo_crypto tombolo_sqlite tombolo_device tombolo_network tombolo_watch tombolo_client
  EXPORT tombolo_targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS tombolo_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/tombolo DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT tombolo_targets NAMESPACE tombolo:: FILE tombolo-targets.cmake DESTINATION ${package_folder})

configure_package_config_file(cmake/tombolo-config.cmake.in ${PROJECT_BINARY_DIR}/tombolo-config.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tombolo-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tombolo-config.cmake ${PROJECT_BINARY_DIR}/tombolo-config-version.cmake DESTINATION ${package_folder})
