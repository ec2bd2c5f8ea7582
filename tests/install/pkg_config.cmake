# A hook by hand, with nothing but a compiler and pkg-config; it reaches neither LibTorch nor Boost, and one
# in C no C++ header or library either.
include(${CMAKE_CURRENT_LIST_DIR}/installed.cmake)
set(folder ${WORK_DIR}/projects/pkg_config)
file(REMOVE_RECURSE ${folder})
file(COPY ${CONSUMERS}/c_only/StepCounter.c ${CONSUMERS}/cxx_only/RunGreeter.cpp DESTINATION ${folder})
compile_plugin(${C_COMPILER} ${folder}/StepCounter.c ${folder}/plugins/StepCounter.so)
compile_plugin("${CXX_COMPILER};-std=c++17" ${folder}/RunGreeter.cpp ${folder}/plugins/RunGreeter.so)

function(expect_needs_only plugin compiler source headers_not libraries)
  run(OUTPUT headers COMMAND ${compiler} -M -I${PREFIX}/include ${folder}/${source})
  expect_says("${headers}" "${PREFIX}/include/grapnel/hook.h")
  if(headers MATCHES "${headers_not}|${SOURCE_DIR}/sdk")
    message(FATAL_ERROR "${source} reads ${CMAKE_MATCH_0}:\n${headers}")
  endif()
  run(OUTPUT dynamic COMMAND readelf --dynamic ${folder}/plugins/${plugin}.so)
  string(REGEX MATCHALL "\\[lib[^]]*\\]" needed "${dynamic}")
  foreach(library IN LISTS needed)
    if(NOT library MATCHES "^\\[lib(${libraries})[.]so")
      message(FATAL_ERROR "${plugin}.so needs ${library}: ${needed}")
    endif()
  endforeach()
endfunction()
expect_needs_only(StepCounter ${C_COMPILER} StepCounter.c "[^ ]*(torch|ATen|boost|/c[+][+])/[^ ]*" "c")
expect_needs_only(RunGreeter ${CXX_COMPILER} RunGreeter.cpp "[^ ]*(torch|ATen|boost)/[^ ]*"
                  "c|m|stdc[+][+]|gcc_s")

run(OUTPUT version ENV PKG_CONFIG_LIBDIR=${PREFIX}/${PKGCONFIG_DIR}
    COMMAND /usr/bin/pkg-config --modversion grapnel-sdk)
expect_says("${version}" "${VERSION}")
run(OUTPUT listed COMMAND ${PREFIX}/bin/grapnel hooks list --directory ${folder}/plugins)
expect_says("${listed}" "StepCounter")
expect_says("${listed}" "RunGreeter")
