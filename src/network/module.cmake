# Beast is heavy to compile: only websocket_client.cc and http_listener.cc include it.
tombolo_add_module(network DEPS tombolo_base OpenSSL::SSL OpenSSL::Crypto Threads::Threads
  SOURCES url.cc event_loop.cc system_clock.cc system_random.cc certificate.cc websocket_client.cc http_listener.cc)
target_compile_definitions(tombolo_network PRIVATE BOOST_ASIO_NO_DEPRECATED)
