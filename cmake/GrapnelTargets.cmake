# How Grapnel's own targets are made: strict private warnings, sanitizers, LibTorch with a shared
# precompiled header. Nothing here is installed; GrapnelAddHook.cmake is what hook authors get.

# ccache, when it is there. The slop settings let it cache what uses a precompiled header.
find_program(GRAPNEL_CCACHE ccache)
if(GRAPNEL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${GRAPNEL_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${GRAPNEL_CCACHE})
endif()

function(grapnel_strict target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow=local
                         $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>)
  if(GRAPNEL_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${GRAPNEL_SANITIZE} -fno-omit-frame-pointer -g1)
    target_link_options(${target} PRIVATE -fsanitize=${GRAPNEL_SANITIZE})
  endif()
endfunction()

# grapnel_library(NAME [SHARED] [TORCH] SOURCES ... [LINK ...]): a library of the host, static unless SHARED.
# TORCH: its sources include LibTorch; they share one precompiled header.
function(grapnel_library name)
  cmake_parse_arguments(arg "SHARED;TORCH" "" "SOURCES;LINK" ${ARGN})
  if(arg_SHARED)
    add_library(${name} SHARED ${arg_SOURCES})
  else()
    add_library(${name} STATIC ${arg_SOURCES})
  endif()
  grapnel_strict(${name})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/host>)
  target_link_libraries(${name} PUBLIC ${arg_LINK})
  if(arg_TORCH)
    grapnel_use_torch(${name})
  endif()
endfunction()

# LibTorch is built without -fopenmp in its flags: a file that uses at::parallel_for without it
# runs serially and says nothing, so OpenMP comes with the torch target.
function(grapnel_use_torch target)
  if(NOT TARGET grapnel_torch)
    message(FATAL_ERROR "${target} needs LibTorch: configure with GRAPNEL_BUILD_HOST=ON")
  endif()
  target_link_libraries(${target} PUBLIC grapnel_torch)
  target_precompile_headers(${target} REUSE_FROM grapnel_torch_pch)
  # The header is compiled with -fPIC; an executable's -fPIE would make it unusable.
  get_target_property(type ${target} TYPE)
  if(type STREQUAL EXECUTABLE)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
endfunction()

# grapnel_test(NAME SOURCES ... [LINK ...] [LABELS ...] [TORCH] [TIMEOUT s]): one GoogleTest binary, one
# CTest entry a file. TORCH tests run serially: two OpenMP teams on two cores spin against each other.
function(grapnel_test name)
  cmake_parse_arguments(arg "TORCH" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  grapnel_strict(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${arg_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE
    GRAPNEL_SOURCE_DIR="${PROJECT_SOURCE_DIR}" GRAPNEL_BUILD_DIR="${PROJECT_BINARY_DIR}")
  if(arg_TORCH)
    grapnel_use_torch(${name})
  endif()
  add_test(NAME ${name} COMMAND ${name})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 600)
  endif()
  # Crashes are results of some tests: the sanitizer shall leave their signals alone.
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}"
    ENVIRONMENT "GOMP_SPINCOUNT=3000;ASAN_OPTIONS=handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigfpe=0")
  if(arg_TORCH)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()
