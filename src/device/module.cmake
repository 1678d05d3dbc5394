# One replica: captures local writes, queues them, converses with the hub, applies what it says.
tombolo_add_module(device DEPS tombolo_model tombolo_merge tombolo_wire tombolo_sqlite SOURCES
  log_record.cc pending_log.cc participant.cc functions.cc captured_table.cc told_update.cc capture_file.cc capture.cc capture_install.cc
  outbox.cc text_bases.cc log_reader.cc net_changes.cc existence_index.cc dependence.cc freeze.cc
  status.cc table_rows.cc quiet_triggers.cc references.cc pending_rows.cc row_states.cc apply.cc
  retired.cc correction.cc rejected.cc replica.cc verify.cc session.cc network_evidence.cc driver.cc
  inbox.cc)
# SQLite declares the preupdate hook only on demand; that the library has it is checked where it is used.
target_compile_definitions(tombolo_device PRIVATE SQLITE_ENABLE_PREUPDATE_HOOK)
