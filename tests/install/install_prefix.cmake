# The fixture: installs all components into a fresh prefix and moves it, so that whatever the installation
# says about its first place is wrong from here on. Then the sdk alone into a second one.
include(${CMAKE_CURRENT_LIST_DIR}/installed.cmake)
file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR}/moved)
run(COMMAND ${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${WORK_DIR}/first/prefix)
file(RENAME ${WORK_DIR}/first/prefix ${PREFIX})
file(REMOVE_RECURSE ${WORK_DIR}/first)
run(COMMAND ${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${WORK_DIR}/first/sdk --component sdk)
file(RENAME ${WORK_DIR}/first/sdk ${WORK_DIR}/moved/sdk)
