tombolo_add_module(client DEPS tombolo_crypto tombolo_device tombolo_network tombolo_watch Threads::Threads
  SOURCES change_key.cc core.cc database.cc device_file.cc drop_guard.cc first_contact.cc held_session.cc json.cc json_value.cc log.cc
    open_encrypted.cc rejections.cc runner.cc session_lock.cc status_json.cc token.cc)
