# What lies where in the prefix, and nothing besides.
include(${CMAKE_CURRENT_LIST_DIR}/installed.cmake)
set(sdk
  include/grapnel/grapnel.h include/grapnel/hook.hpp include/grapnel/torch.hpp include/grapnel/services/log.h
  ${CMAKE_DIR}/grapnelConfig.cmake ${CMAKE_DIR}/grapnelConfigVersion.cmake
  ${CMAKE_DIR}/grapnel-sdk-targets.cmake ${CMAKE_DIR}/GrapnelAddHook.cmake
  ${CMAKE_DIR}/plugin.map ${PKGCONFIG_DIR}/grapnel-sdk.pc
  share/doc/grapnel-sdk/README.md share/doc/grapnel-sdk/CHANGELOG.md share/doc/grapnel-sdk/copyright)
set(host bin/grapnel bin/grapnel-probe bin/grapnel-conformance
         share/grapnel/configs/fashion_classifier.toml share/doc/grapnel/copyright
         ${LIB_DIR}/libgrapnel-host.so ${LIB_DIR}/libgrapnel-host.so.${HOST_SOVERSION}
         ${LIB_DIR}/grapnel/libgrapnel-core.so.${HOST_SOVERSION}
         include/grapnel/host.hpp ${CMAKE_DIR}/grapnel-host-targets.cmake)
file(GLOB plugin_folders RELATIVE ${SOURCE_DIR}/plugins ${SOURCE_DIR}/plugins/*/CMakeLists.txt)
set(plugins share/doc/grapnel-plugins/copyright)
foreach(list IN LISTS plugin_folders)
  get_filename_component(name ${list} DIRECTORY)
  # Optional at build time: there when it was built.
  if(NOT name STREQUAL PythonHook OR EXISTS ${BUILD_DIR}/plugins/${name}.so)
    list(APPEND plugins ${PLUGIN_DIR}/${name}.so)
  endif()
endforeach()

set(problems "")
foreach(file IN LISTS sdk host plugins)
  if(NOT EXISTS ${PREFIX}/${file})
    string(APPEND problems "\nmissing: ${file}")
  endif()
endforeach()
foreach(file IN LISTS host plugins)
  if(EXISTS ${WORK_DIR}/moved/sdk/${file})
    string(APPEND problems "\nin the component sdk, and should not be: ${file}")
  endif()
endforeach()
foreach(file IN LISTS sdk)
  if(NOT EXISTS ${WORK_DIR}/moved/sdk/${file})
    string(APPEND problems "\nmissing from the component sdk: ${file}")
  endif()
endforeach()
foreach(folder template examples)
  file(GLOB_RECURSE sources RELATIVE ${SOURCE_DIR}/sdk ${SOURCE_DIR}/sdk/${folder}/*)
  list(FILTER sources EXCLUDE REGEX "/(build|target)/")
  foreach(file IN LISTS sources)
    if(NOT EXISTS ${PREFIX}/share/grapnel/${file})
      string(APPEND problems "\nmissing: share/grapnel/${file}")
    endif()
  endforeach()
endforeach()

string(JOIN "|" expected
  include/grapnel/.* "${CMAKE_DIR}/[^/]*" "${PKGCONFIG_DIR}/grapnel-sdk[.]pc"
  "share/doc/grapnel(-sdk|-plugins)?/[^/]*" "share/grapnel/(template|examples|configs)/.*"
  "bin/grapnel(-probe|-conformance)?" "${LIB_DIR}/libgrapnel-host[.]so.*"
  "${LIB_DIR}/grapnel/libgrapnel-core[.]so.*" "${PLUGIN_DIR}/[^/]*[.]so")
file(GLOB_RECURSE installed RELATIVE ${PREFIX} ${PREFIX}/*)
foreach(file IN LISTS installed)
  if(NOT file MATCHES "^(${expected})$")
    string(APPEND problems "\nunexpected: ${file}")
  endif()
endforeach()
if(problems)
  message(FATAL_ERROR "in ${PREFIX}:${problems}")
endif()
