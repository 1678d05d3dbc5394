tombolo_add_test(crypto_test DEPS tombolo_sqlite OpenSSL::Crypto
  SOURCES src/crypto/key_test.cc src/crypto/encrypted_file_test.cc src/crypto/property_test.cc)
target_compile_definitions(crypto_test PRIVATE TOMBOLO_SOURCE="${PROJECT_SOURCE_DIR}")
tombolo_add_test(encrypted_crash_test DEPS tombolo_sqlite SOURCES src/crypto/crash_test.cc sim/world/disk.cc)
