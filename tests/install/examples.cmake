# The installed examples are a project of their own; with the compilers of this machine all of them are
# built and conform.
include(${CMAKE_CURRENT_LIST_DIR}/installed.cmake)
if(NOT RUSTC)
  message(FATAL_ERROR "rustc is missing (Debian: rustc)")
endif()
set(tests LossGuardC LossGuardCpp LossGuardRust WeightDistance StopFile Curve GradientNorms)
list(TRANSFORM tests APPEND .conformance)
build_project(examples ${PREFIX}/share/grapnel/examples TESTS ${tests} OPTIONS -DRUSTC=${RUSTC} BUILT built)
run(OUTPUT listed COMMAND ${PREFIX}/bin/grapnel hooks list --directory ${built}/plugins --json)
file(GLOB plugins ${built}/plugins/*.so)
foreach(plugin IN LISTS plugins)
  expect_says("${listed}" "${plugin}")
endforeach()
