if(TOMBOLO_SANITIZE)
  add_compile_options(-fsanitize=${TOMBOLO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TOMBOLO_SANITIZE})
endif()
