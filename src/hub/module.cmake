tombolo_add_module(hub DEPS tombolo_store tombolo_wire tombolo_merge tombolo_sqlite tomlplusplus::tomlplusplus
  SOURCES edit_bases.cc commit.cc conflict_list.cc feed.cc space.cc peer.cc verify.cc hub.cc metrics.cc config.cc)
