find_package(CLI11 REQUIRED)

add_executable(tombolo_program src/cli/main.cc src/cli/command.cc src/cli/output.cc src/cli/token_arguments.cc src/cli/hub.cc src/cli/init.cc
  src/cli/sql.cc src/cli/sync.cc src/cli/status.cc src/cli/rejected.cc src/cli/rejected_text.cc src/cli/conflicts.cc src/cli/conflict_view.cc
  src/cli/conflict_dialog.cc src/cli/verify.cc src/cli/change_key.cc src/cli/doctor.cc src/cli/examination.cc src/cli/demo.cc
  src/cli/demo_catalogue.cc src/cli/demo_conflicts.cc src/cli/demo_stage.cc src/cli/child_process.cc
  src/cli/progress.cc src/cli/later.cc)
set_target_properties(tombolo_program PROPERTIES OUTPUT_NAME tombolo)
target_compile_definitions(tombolo_program PRIVATE TOMBOLO_VERSION="${PROJECT_VERSION}")
target_link_libraries(tombolo_program PRIVATE tombolo_client tombolo_server CLI11::CLI11 tombolo_warnings)
