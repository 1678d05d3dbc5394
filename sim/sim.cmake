# The simulator: the product's device and hub logic under one seed.
find_package(Threads REQUIRED)
add_executable(tombolo-sim sim/main.cc sim/cluster.cc sim/device_node.cc sim/hub_node.cc sim/network.cc sim/history.cc sim/workload.cc sim/world/disk.cc
  sim/checkers/running.cc sim/checkers/settled.cc)
target_include_directories(tombolo-sim PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(tombolo-sim PRIVATE tombolo_device tombolo_hub tombolo_store tombolo_warnings)
add_dependencies(sanitized_tests tombolo-sim)

# 2,000 seeds, in two halves for two cores; a tenth of them where sanitizers slow everything down.
if(TOMBOLO_SANITIZE)
  set(half 100)
else()
  set(half 1000)
endif()
add_test(NAME simulation_a COMMAND tombolo-sim --seeds ${half})
add_test(NAME simulation_b COMMAND tombolo-sim --seeds ${half} --first-seed 1000001)
add_test(NAME simulation_is_deterministic COMMAND tombolo-sim --seeds 20 --twice)
set_tests_properties(simulation_a simulation_b simulation_is_deterministic PROPERTIES LABELS sanitized)
