tombolo_add_test(model_test SOURCES src/model/record_test.cc src/model/row_test.cc src/model/schema_test.cc src/model/text_edit_test.cc DEPS tombolo_model)
