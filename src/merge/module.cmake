# What becomes of a transaction: pure, used by hub and device alike.
tombolo_add_module(merge DEPS tombolo_model SOURCES
  stamp.cc policies.cc counter.cc set.cc json.cc json_value.cc json_number.cc text.cc text_diff.cc edit_text.cc text_atoms.cc order.cc row.cc candidates.cc telling.cc transaction.cc overlay.cc rebase.cc)
