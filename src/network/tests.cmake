tombolo_add_test(network_test SOURCES src/network/url_test.cc src/network/system_test.cc src/network/websocket_test.cc src/network/http_listener_test.cc src/network/probe_test.cc
  DEPS tombolo_network)
