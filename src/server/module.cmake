tombolo_add_module(server DEPS tombolo_hub tombolo_store tombolo_network SOURCES data_folder.cc server.cc)
