# Builds one project of consumers/ (PROJECT; empty: both together) and runs the tests that grapnel_add_hook
# made (TESTS).
include(${CMAKE_CURRENT_LIST_DIR}/installed.cmake)
if(PROJECT)
  build_project(${PROJECT} ${CONSUMERS}/${PROJECT} TESTS ${TESTS})
else()
  build_project(hooks_together ${CONSUMERS} TESTS ${TESTS})
endif()
