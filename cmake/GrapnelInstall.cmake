# What `cmake --install` puts where, in three components: sdk (headers, CMake and pkg-config files, template,
# examples, guide; needs nothing built), host (programs, library, configs) and plugins. Also makes the build
# folder a package: find_package(grapnel HINTS <build>) works without installing.
include(CMakePackageConfigHelpers)
set(package_dir ${PROJECT_BINARY_DIR}/lib/cmake/grapnel)  # the build folder's own
set(sources_not_installed PATTERN build EXCLUDE PATTERN target EXCLUDE PATTERN "__pycache__" EXCLUDE)

# ---- sdk ----
install(TARGETS grapnel_sdk EXPORT grapnel-sdk-targets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/sdk/include/grapnel DESTINATION ${GRAPNEL_INCLUDE_DIR} COMPONENT sdk)
install(EXPORT grapnel-sdk-targets NAMESPACE grapnel:: DESTINATION ${GRAPNEL_CMAKE_DIR} COMPONENT sdk)
export(EXPORT grapnel-sdk-targets NAMESPACE grapnel:: FILE ${package_dir}/grapnel-sdk-targets.cmake)

# Until 1.0 a minor may change the CMake and C++ side (the ABI has a version of its own).
set(compatibility SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatibility SameMinorVersion)
endif()
write_basic_package_version_file(${package_dir}/grapnelConfigVersion.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY ${compatibility} ARCH_INDEPENDENT)
set(module_files ${CMAKE_CURRENT_LIST_DIR}/GrapnelAddHook.cmake ${CMAKE_CURRENT_LIST_DIR}/plugin.map)
foreach(file IN LISTS module_files)
  get_filename_component(name ${file} NAME)
  configure_file(${file} ${package_dir}/${name} COPYONLY)
endforeach()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/grapnelConfig.cmake.in
  ${PROJECT_BINARY_DIR}/package/grapnelConfig.cmake
  INSTALL_DESTINATION ${GRAPNEL_CMAKE_DIR} PATH_VARS GRAPNEL_BIN_DIR GRAPNEL_PLUGIN_DIR
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
install(FILES ${PROJECT_BINARY_DIR}/package/grapnelConfig.cmake ${package_dir}/grapnelConfigVersion.cmake
              ${module_files}
        DESTINATION ${GRAPNEL_CMAKE_DIR} COMPONENT sdk)
configure_file(${CMAKE_CURRENT_LIST_DIR}/grapnel-sdk.pc.in ${PROJECT_BINARY_DIR}/package/grapnel-sdk.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/grapnel-sdk.pc DESTINATION ${GRAPNEL_PKGCONFIG_DIR} COMPONENT sdk)
foreach(folder template examples)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/sdk/${folder} DESTINATION ${GRAPNEL_SHARE_DIR} COMPONENT sdk
          ${sources_not_installed})
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/sdk/README.md ${PROJECT_SOURCE_DIR}/sdk/CHANGELOG.md
        DESTINATION ${GRAPNEL_DOC_DIR}/grapnel-sdk COMPONENT sdk)

# ---- the licence, where Debian looks for it ----
foreach(pair sdk:grapnel-sdk host:grapnel plugins:grapnel-plugins)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 component)
  list(GET pair 1 folder)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${GRAPNEL_DOC_DIR}/${folder} RENAME copyright
          COMPONENT ${component})
endforeach()

# ---- plugins: those of plugins/, not the ones that tests build ----
file(GLOB hook_lists CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/plugins/*/CMakeLists.txt)
foreach(list IN LISTS hook_lists)
  get_filename_component(folder ${list} DIRECTORY)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "MODULE_LIBRARY")
      install(TARGETS ${target} LIBRARY DESTINATION ${GRAPNEL_PLUGIN_DIR} COMPONENT plugins)
    endif()
  endforeach()
endforeach()

# ---- the build folder as a package, and what the built program looks for beside itself ----
set(installed_plugin_dir ${GRAPNEL_PLUGIN_DIR})
set(GRAPNEL_PLUGIN_DIR plugins)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/grapnelConfig.cmake.in
  ${package_dir}/grapnelConfig.cmake
  INSTALL_DESTINATION lib/cmake/grapnel INSTALL_PREFIX ${PROJECT_BINARY_DIR}
  PATH_VARS GRAPNEL_BIN_DIR GRAPNEL_PLUGIN_DIR NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
set(GRAPNEL_PLUGIN_DIR ${installed_plugin_dir})

add_custom_target(grapnel_share ALL)
foreach(from sdk/template host/configs)
  get_filename_component(name ${from} NAME)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${from}/*)
  set(to ${PROJECT_BINARY_DIR}/${GRAPNEL_SHARE_DIR}/${name})
  set(stamp ${PROJECT_BINARY_DIR}/package/${name}.copied)
  add_custom_command(OUTPUT ${stamp}
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${to}
    COMMAND ${CMAKE_COMMAND} -E copy_directory ${PROJECT_SOURCE_DIR}/${from} ${to}
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
    DEPENDS ${files} COMMENT "Copying ${from} to where the built program looks for it" VERBATIM)
  add_custom_target(grapnel_share_${name} DEPENDS ${stamp})
  add_dependencies(grapnel_share grapnel_share_${name})
endforeach()

if(NOT GRAPNEL_BUILD_HOST)
  return()
endif()

# ---- host ----
add_dependencies(grapnel grapnel_share)
set(programs grapnel grapnel_probe grapnel_conformance_program)
# grapnel_core is nobody's but theirs: out of the way of the linker, found from where each of them lies. A
# LibTorch from elsewhere than the distribution's has to be found at run time too; the system's folders add
# nothing.
set_target_properties(grapnel grapnel_conformance_program PROPERTIES
  INSTALL_RPATH "$ORIGIN/${GRAPNEL_PRIVATE_LIB_FROM_BIN}" INSTALL_RPATH_USE_LINK_PATH ON)
set_target_properties(grapnel_host PROPERTIES INSTALL_RPATH "$ORIGIN/${GRAPNEL_PRIVATE_LIB_FROM_LIB}")
install(TARGETS ${programs} RUNTIME DESTINATION ${GRAPNEL_BIN_DIR} COMPONENT host)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/host/configs DESTINATION ${GRAPNEL_SHARE_DIR} COMPONENT host)
install(TARGETS grapnel_core EXPORT grapnel-host-targets
        LIBRARY DESTINATION ${GRAPNEL_PRIVATE_LIB_DIR} COMPONENT host NAMELINK_SKIP)
install(TARGETS grapnel_host EXPORT grapnel-host-targets
        LIBRARY DESTINATION ${GRAPNEL_LIB_DIR} COMPONENT host NAMELINK_COMPONENT host
        INCLUDES DESTINATION ${GRAPNEL_INCLUDE_DIR})
install(FILES ${PROJECT_SOURCE_DIR}/host/include/grapnel/host.hpp
        DESTINATION ${GRAPNEL_INCLUDE_DIR}/grapnel COMPONENT host)
install(EXPORT grapnel-host-targets NAMESPACE grapnel:: DESTINATION ${GRAPNEL_CMAKE_DIR} COMPONENT host)
export(EXPORT grapnel-host-targets NAMESPACE grapnel:: FILE ${package_dir}/grapnel-host-targets.cmake)
