# The component sdk by itself builds hooks in C and C++. Without the host there is no conformance tool, so
# no test.
include(${CMAKE_CURRENT_LIST_DIR}/installed.cmake)
build_project(sdk_alone ${CONSUMERS} PREFIX ${WORK_DIR}/moved/sdk BUILT built)
expect_file(${built}/plugins/StepCounter.so ${built}/plugins/RunGreeter.so)
run(OUTPUT tests COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${built} -N)
expect_says("${tests}" "Total Tests: 0")
