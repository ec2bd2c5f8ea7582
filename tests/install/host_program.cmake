# A program that links grapnel::host from the prefix, runs from its build folder, and needs nothing of
# LibTorch.
include(${CMAKE_CURRENT_LIST_DIR}/installed.cmake)
build_project(host_program ${CONSUMERS}/host_program TESTS own_loop BUILT built)
run(OUTPUT libraries COMMAND ldd ${built}/own_loop)
expect_says("${libraries}" "${PREFIX}/${LIB_DIR}/libgrapnel-host.so")
expect_says_not("${libraries}" "torch")
run(OUTPUT symbols COMMAND nm --dynamic --defined-only --demangle ${PREFIX}/${LIB_DIR}/libgrapnel-host.so)
if(NOT symbols MATCHES " grapnel::Host::load\\(\\)")
  message(FATAL_ERROR "libgrapnel-host.so doesn't export grapnel::Host::load():\n${symbols}")
endif()
