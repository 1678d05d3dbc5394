# Every history of small scopes, through the product's merge and rebase.
add_library(tombolo_enumeration STATIC
  tests/enumeration/adapter.cc tests/enumeration/truth.cc tests/enumeration/model.cc tests/enumeration/walk.cc)
target_include_directories(tombolo_enumeration PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(tombolo_enumeration PUBLIC tombolo_merge PRIVATE tombolo_warnings)

add_executable(tombolo-enumerate tests/enumeration/main.cc)
target_link_libraries(tombolo-enumerate PRIVATE tombolo_enumeration tombolo_warnings)

# One ctest entry per scope. Longer ones belong to the nightly run: docs/internals/merge.md names them.
function(tombolo_add_scope name)
  add_test(NAME enumerate_${name} COMMAND tombolo-enumerate ${ARGN})
endfunction()

foreach(policy lww counter)
  tombolo_add_scope(${policy}_2x2x2x2 --policy ${policy} --scope 2x2x2x2)
endforeach()
foreach(policy lww hub device manual counter max min set json text sql row)
  tombolo_add_scope(${policy}_clocks_ahead_and_behind --policy ${policy} --scope 2x1x2x2 --clocks 60,-60)
  tombolo_add_scope(${policy}_delete_wins --policy ${policy} --scope 2x1x2x2 --deletes delete-wins)
  tombolo_add_scope(${policy}_merging_inserts --policy ${policy} --scope 2x1x2x2 --inserts merge --empty)
  tombolo_add_scope(${policy}_three_devices --policy ${policy} --scope 3x1x1x1)
  tombolo_add_scope(${policy}_cut_connections --policy ${policy} --scope 2x1x1x2 --fine --drain-everywhere)
  tombolo_add_scope(${policy}_refused_and_retried --policy ${policy} --scope 2x1x1x1 --fine --refusals)
endforeach()
foreach(policy lww counter sql row)
  tombolo_add_scope(${policy}_two_row_transactions --policy ${policy} --scope 2x2x1x2 --fine --pairs --filled)
endforeach()
tombolo_add_scope(manual_deletes --policy lww --deletes manual --scope 2x1x2x2)
tombolo_add_scope(manual_deletes_two_row_transactions --policy lww --deletes manual --scope 2x2x1x2 --fine --pairs --filled)
tombolo_add_scope(manual_deletes_refused_and_retried --policy manual --deletes manual --scope 2x1x1x1 --fine --refusals)
tombolo_add_scope(lww_two_row_transactions_twice --policy lww --scope 2x2x2x1 --pairs --filled)
tombolo_add_scope(lww_key_change --policy lww --scope 2x2x1x2 --fine --pairs)
tombolo_add_scope(lww_key_change_manual_deletes --policy lww --deletes manual --scope 2x2x1x2 --fine --pairs)
tombolo_add_scope(lww_clock_ahead --policy lww --scope 2x1x2x2 --clocks 60,0)
tombolo_add_scope(lww_clock_behind --policy lww --scope 2x1x2x2 --clocks -60,0)

tombolo_add_test(holes_test SOURCES tests/enumeration/holes_test.cc DEPS tombolo_enumeration)
