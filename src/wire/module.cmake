tombolo_add_module(wire DEPS tombolo_model PkgConfig::zstd
  SOURCES codec.cc frame.cc fragment.cc section.cc item.cc change_rows.cc checkpoint_rows.cc)
