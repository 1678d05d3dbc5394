tombolo_add_test(hub_test SOURCES src/hub/hub_test.cc src/hub/config_test.cc src/hub/conflict_list_test.cc src/hub/edit_bases_test.cc DEPS tombolo_hub)
