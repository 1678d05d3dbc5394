tombolo_add_module(crypto DEPS tombolo_base OpenSSL::Crypto SQLite::SQLite3
  SOURCES secret.cc key_material.cc key.cc page_cipher.cc memory_file.cc main_file.cc wal_file.cc journal_file.cc base_file.cc key_check.cc encrypting_vfs.cc)
