# The test MyHook.run: trains for a moment with the hook, then goes on from the checkpoint. The hook has to be
# called both times, and to take the state back that it saved. Included, this file adds the test; as a script,
# it is the test.
if(NOT CMAKE_SCRIPT_MODE_FILE)  # included by CMakeLists.txt
  get_filename_component(grapnel_bin "${GRAPNEL_CONFORMANCE_PROGRAM}" DIRECTORY)
  find_program(GRAPNEL_PROGRAM grapnel HINTS "${grapnel_bin}" DOC "Trains with the hook in MyHook.run")
  if(GRAPNEL_PROGRAM)
    add_test(NAME MyHook.run
      COMMAND ${CMAKE_COMMAND} -D "PROGRAM=${GRAPNEL_PROGRAM}" -D "PLUGINS=$<TARGET_FILE_DIR:MyHook>"
              -D "WORK_DIR=${CMAKE_CURRENT_BINARY_DIR}/run_test" -P "${CMAKE_CURRENT_LIST_FILE}")
  else()
    message(WARNING "the program grapnel was not found: MyHook is built, and not tested in a run")
  endif()
  return()
endif()

# Five batches an epoch.
function(train max_epochs)
  execute_process(
    COMMAND ${PROGRAM} train ${CMAKE_CURRENT_LIST_DIR}/MyHook.toml --work-dir ${WORK_DIR}
            --set plugins.directories.0=${PLUGINS} --set custom_hooks.0.interval=2
            --set train_dataloader.dataset.max_samples=640 --set val_dataloader.dataset.max_samples=250
            --set train_cfg.max_epochs=${max_epochs} ${ARGN}
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "grapnel train ended with ${result}:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect text)
  string(FIND "${output}" "${text}" at)
  if(at LESS 0)
    message(FATAL_ERROR "\"${text}\" is not in what grapnel train wrote:\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
train(1)
expect("[MyHook] smoothed loss")
expect("after iteration 4")
train(2 --resume)
expect("resumed from")
expect("after iteration 10")
