# Beast is heavy to compile: only websocket_client.cc, approach.cc, probe.cc and http_listener.cc include it.
if(CMAKE_SYSTEM_NAME STREQUAL Linux)
  set(network_state network_state_linux.cc)
  pkg_check_modules(libsystemd IMPORTED_TARGET libsystemd)
  if(libsystemd_FOUND)
    list(APPEND network_state manager_source.cc)
  endif()
else()
  set(network_state network_state_other.cc)
endif()
tombolo_add_module(network DEPS tombolo_base OpenSSL::SSL OpenSSL::Crypto Threads::Threads
  SOURCES url.cc event_loop.cc system_clock.cc system_random.cc certificate.cc tcp_traffic.cc approach.cc probe.cc websocket_client.cc
    http_listener.cc ${network_state})
target_compile_definitions(tombolo_network PRIVATE BOOST_ASIO_NO_DEPRECATED)
if(libsystemd_FOUND)
  target_link_libraries(tombolo_network PRIVATE PkgConfig::libsystemd)
  target_compile_definitions(tombolo_network PRIVATE TOMBOLO_SD_BUS)
endif()
