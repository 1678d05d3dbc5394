tombolo_add_test(network_test SOURCES src/network/url_test.cc src/network/system_test.cc src/network/websocket_test.cc src/network/http_listener_test.cc src/network/probe_test.cc
  DEPS tombolo_network)
if(libsystemd_FOUND)
  tombolo_add_test(manager_source_test SOURCES src/network/manager_source_test.cc DEPS tombolo_network PkgConfig::libsystemd)
  target_compile_definitions(manager_source_test PRIVATE BOOST_ASIO_NO_DEPRECATED)
endif()
