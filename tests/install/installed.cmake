# For the scripts in this folder: commands run in an empty environment, checks with clear messages, and
# building a project against a prefix. PREFIX is where the fixture (install_prefix.cmake) moved the
# installation to.
cmake_minimum_required(VERSION 3.24)
include(${SETTINGS})
set(PREFIX ${WORK_DIR}/moved/prefix)
set(CONSUMERS ${CMAKE_CURRENT_LIST_DIR}/consumers)
set(CLEAN_ENVIRONMENT PATH=/usr/bin:/bin HOME=${WORK_DIR}/home LC_ALL=C.UTF-8 GOMP_SPINCOUNT=3000)

# run([EXIT code] [IN folder] [ENV NAME=value...] [OUTPUT variable] COMMAND ...): fails unless the exit code
# is as expected (0), or, for EXIT FAILS, anything but 0. OUTPUT gets stdout and stderr together.
function(run)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "EXIT;IN;OUTPUT" "ENV;COMMAND")
  if(NOT arg_IN)
    set(arg_IN ${WORK_DIR})
  endif()
  if(NOT DEFINED arg_EXIT)
    set(arg_EXIT 0)
  endif()
  file(MAKE_DIRECTORY ${WORK_DIR}/home)
  execute_process(COMMAND /usr/bin/env -i ${CLEAN_ENVIRONMENT} ${arg_ENV} ${arg_COMMAND}
                  WORKING_DIRECTORY ${arg_IN}
                  RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT code STREQUAL arg_EXIT AND NOT (arg_EXIT STREQUAL FAILS AND code MATCHES "^[1-9]"))
    string(REPLACE ";" " " command "${arg_COMMAND}")
    message("${output}")  # by itself: an error's text would be wrapped
    message(FATAL_ERROR "exit code ${code}, expected ${arg_EXIT}:\n  ${command}\n  in ${arg_IN}")
  endif()
  if(arg_OUTPUT)
    set(${arg_OUTPUT} "${output}" PARENT_SCOPE)
  endif()
endfunction()

# CMake wraps long messages: compares with every run of blanks as one.
function(expect_says output text)
  string(REGEX REPLACE "[ \n\t]+" " " flat "${output}")
  string(FIND "${flat}" "${text}" at)
  if(at EQUAL -1)
    message("${output}")
    message(FATAL_ERROR "expected to read above: ${text}")
  endif()
endfunction()

function(expect_says_not output text)
  string(FIND "${output}" "${text}" at)
  if(NOT at EQUAL -1)
    message("${output}")
    message(FATAL_ERROR "expected not to read above: ${text}")
  endif()
endfunction()

function(expect_file)
  foreach(file IN LISTS ARGN)
    if(NOT EXISTS ${file})
      message(FATAL_ERROR "${file} is missing")
    endif()
  endforeach()
endfunction()

# Fails when a file of `folder` names a folder of the source tree or of the build tree's own products.
function(expect_no_trace_of_the_source_tree folder)
  file(GLOB_RECURSE files LIST_DIRECTORIES false ${folder}/*)
  foreach(file IN LISTS files)
    foreach(origin ${SOURCE_DIR}/sdk ${SOURCE_DIR}/host ${SOURCE_DIR}/cmake ${BUILD_DIR}/lib ${BUILD_DIR}/bin
                   ${BUILD_DIR}/plugins ${BUILD_DIR}/package)
      file(STRINGS ${file} found REGEX "${origin}/" LIMIT_COUNT 1)
      if(found)
        message(FATAL_ERROR "${file} was made from ${origin} and not from the prefix: ${found}")
      endif()
    endforeach()
  endforeach()
endfunction()

# configure_project(SOURCE folder BUILD folder PREFIX prefix [EXIT code] [OUTPUT variable] [OPTIONS ...])
function(configure_project)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE;BUILD;PREFIX;EXIT;OUTPUT" "OPTIONS")
  if(NOT DEFINED arg_EXIT)
    set(arg_EXIT 0)
  endif()
  file(REMOVE_RECURSE ${arg_BUILD})
  run(EXIT ${arg_EXIT} OUTPUT output
      COMMAND ${CMAKE_COMMAND} -S ${arg_SOURCE} -B ${arg_BUILD}
              -G ${GENERATOR} -DCMAKE_MAKE_PROGRAM=${MAKE_PROGRAM} -DCMAKE_C_COMPILER=${C_COMPILER}
              -DCMAKE_CXX_COMPILER=${CXX_COMPILER} -DCMAKE_BUILD_TYPE=Release
              -DCMAKE_PREFIX_PATH=${arg_PREFIX} --no-warn-unused-cli ${arg_OPTIONS})
  if(arg_OUTPUT)
    set(${arg_OUTPUT} "${output}" PARENT_SCOPE)
  endif()
endfunction()

# Copies a project out of the source tree, configures and builds it against `prefix` and runs its tests.
# BUILT gets the build folder. TESTS: these have to be among the tests, and all have to pass.
function(build_project name source)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "PREFIX;BUILT" "TESTS;OPTIONS")
  if(NOT arg_PREFIX)
    set(arg_PREFIX ${PREFIX})
  endif()
  set(copy ${WORK_DIR}/projects/${name})
  file(REMOVE_RECURSE ${copy})
  file(COPY ${source}/ DESTINATION ${copy})
  configure_project(SOURCE ${copy} BUILD ${copy}/build PREFIX ${arg_PREFIX} OPTIONS ${arg_OPTIONS})
  file(STRINGS ${copy}/build/CMakeCache.txt found REGEX "^grapnel_DIR:")
  expect_says("${found}" "=${arg_PREFIX}/")
  run(COMMAND ${CMAKE_COMMAND} --build ${copy}/build)
  expect_no_trace_of_the_source_tree(${copy}/build)
  if(arg_TESTS)
    run(OUTPUT output
        COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${copy}/build --output-on-failure --no-tests=error)
    foreach(test IN LISTS arg_TESTS)
      if(NOT output MATCHES "${test} [.]+ +Passed")
        message("${output}")
        message(FATAL_ERROR "the test ${test} was not run")
      endif()
    endforeach()
  endif()
  if(arg_BUILT)
    set(${arg_BUILT} ${copy}/build PARENT_SCOPE)
  endif()
endfunction()

# Compiles one plugin as the author's guide does without CMake. Gives the flags by pkg-config alone.
function(compile_plugin compiler source output)
  set(pkg_config /usr/bin/pkg-config)
  set(environment PKG_CONFIG_LIBDIR=${PREFIX}/${PKGCONFIG_DIR})
  run(ENV ${environment} OUTPUT flags COMMAND ${pkg_config} --cflags --libs grapnel-sdk)
  run(ENV ${environment} OUTPUT plugin_map COMMAND ${pkg_config} --variable=plugin_map grapnel-sdk)
  string(STRIP "${plugin_map}" plugin_map)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  get_filename_component(folder ${output} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  run(COMMAND ${compiler} -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Werror -Wl,-z,defs
              -Wl,--version-script=${plugin_map} ${flags} ${source} -o ${output})
endfunction()

# The classifier on a few hundred pictures: two epochs of 40 iterations.
function(write_small_config path)
  file(WRITE ${path} [=[
work_dir = "run"
[randomness]
seed = 3
[model]
type = "SmallConvNet"
channels = 4
[train_dataloader]
batch_size = 16
dataset = { type = "FashionMNIST", max_samples = 640 }
[val_dataloader]
batch_size = 50
dataset = { type = "FashionMNIST", max_samples = 100 }
[val_cfg]
type = "ValLoop"
[val_evaluator]
type = "Accuracy"
[train_cfg]
type = "EpochBasedTrainLoop"
max_epochs = 2
[optim_wrapper.optimizer]
type = "SGD"
lr = 0.05
momentum = 0.9
]=] "${ARGV1}")
endfunction()
