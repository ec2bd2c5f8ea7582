# find_package with versions and components: what is there is found, what is not is refused in words.
include(${CMAKE_CURRENT_LIST_DIR}/installed.cmake)
function(find version components exit prefix output)
  configure_project(SOURCE ${CONSUMERS}/find_only BUILD ${WORK_DIR}/projects/find_only PREFIX ${prefix}
                    EXIT ${exit} OUTPUT said
                    OPTIONS -DWANTED_VERSION=${version} "-DWANTED_COMPONENTS=${components}" ${ARGN})
  set(${output} "${said}" PARENT_SCOPE)
endfunction()

find("" "" 0 ${PREFIX} said)
expect_says("${said}" "target grapnel::sdk")
expect_says_not("${said}" "target grapnel::host")
expect_says("${said}" "version ${VERSION}")
find("" "sdk;plugins" 0 ${PREFIX} said)
expect_says("${said}" "component plugins: TRUE")
expect_says("${said}" "plugins ${PREFIX}/${PLUGIN_DIR}")
expect_says("${said}" "conformance ${PREFIX}/bin/grapnel-conformance")

find("" "hots" FAILS ${PREFIX} said)
expect_says("${said}" "Grapnel has no component 'hots': its components are sdk, host and plugins")
find("" "sdk" 0 ${PREFIX} said -DWANTED_OPTIONAL_COMPONENTS=hots)
expect_says("${said}" "component hots: ")

foreach(component host plugins)
  find("" "sdk;${component}" FAILS ${WORK_DIR}/moved/sdk said)
  expect_says("${said}" "the component '${component}' of Grapnel is not installed in ${WORK_DIR}/moved/sdk")
  expect_says("${said}" "--component ${component}")
endforeach()
find("" "sdk" 0 ${WORK_DIR}/moved/sdk said -DWANTED_OPTIONAL_COMPONENTS=host)
expect_says("${said}" "component host: FALSE")

string(REGEX MATCH "^([0-9]+)[.]([0-9]+)" minor_version ${VERSION})
math(EXPR next_major "${CMAKE_MATCH_1} + 1")
math(EXPR next_minor "${CMAKE_MATCH_2} + 1")
find(${minor_version} "" 0 ${PREFIX} said)
foreach(version ${CMAKE_MATCH_1}.${next_minor} ${next_major}.0)
  find(${version} "" FAILS ${PREFIX} said)
  expect_says("${said}" "requested version \"${version}\"")
endforeach()
