# `cpack -G DEB` makes three packages out of the three components: grapnel-sdk, grapnel, grapnel-plugins.
# The library's header stays in grapnel with the library: a program that embeds the host also needs the SDK's
# headers, which grapnel recommends and does not need for itself.
set(GRAPNEL_PACKAGE_MAINTAINER "Grapnel maintainers <maintainers@grapnel.invalid>" CACHE STRING
    "Maintainer field of the packages")
set(CPACK_GENERATOR DEB)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PACKAGE_NAME grapnel)
set(CPACK_PACKAGE_VENDOR Grapnel)
set(CPACK_PACKAGE_CONTACT "${GRAPNEL_PACKAGE_MAINTAINER}")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # else it would come before each package's own first line
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL sdk)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(this_version "(= ${PROJECT_VERSION})")

set(CPACK_DEBIAN_SDK_PACKAGE_NAME grapnel-sdk)
set(CPACK_DEBIAN_SDK_PACKAGE_ARCHITECTURE all)
# Files in a folder of one architecture (lib/x86_64-linux-gnu, with the prefix /usr) are not for all.
if(CMAKE_LIBRARY_ARCHITECTURE AND GRAPNEL_CMAKE_DIR MATCHES "${CMAKE_LIBRARY_ARCHITECTURE}")
  unset(CPACK_DEBIAN_SDK_PACKAGE_ARCHITECTURE)
endif()
set(CPACK_DEBIAN_SDK_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_SDK_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_SDK_PACKAGE_SUGGESTS "cmake (>= 3.18), grapnel ${this_version}")
set(CPACK_COMPONENT_SDK_DESCRIPTION "hooks for Grapnel: headers, template and author's guide
Grapnel trains models with LibTorch, and everything that happens around a
training step is a hook: a shared library behind a small C interface.
.
This package has what the author of a hook needs and nothing else: C11 headers,
a C++17 layer over them, a CMake package and a pkg-config file, a template to
start from, examples in several languages and the guide. It needs no LibTorch.")

if(GRAPNEL_BUILD_HOST)
  list(APPEND CPACK_COMPONENTS_ALL host plugins)

  set(CPACK_DEBIAN_HOST_PACKAGE_NAME grapnel)
  set(CPACK_DEBIAN_HOST_PACKAGE_SECTION science)
  set(CPACK_DEBIAN_HOST_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)  # libgrapnel-core.so
  # What a package of a program that links grapnel::host will depend on; plugins are no libraries.
  get_target_property(host_soversion grapnel_host SOVERSION)
  file(WRITE ${PROJECT_BINARY_DIR}/package/shlibs
       "libgrapnel-host ${host_soversion} grapnel (>= ${PROJECT_VERSION})\n")
  set(CPACK_DEBIAN_HOST_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/package/shlibs)
  set(CPACK_DEBIAN_HOST_PACKAGE_RECOMMENDS "grapnel-plugins ${this_version}, grapnel-sdk ${this_version}")
  set(CPACK_DEBIAN_HOST_PACKAGE_SUGGESTS dataset-fashion-mnist)
  set(CPACK_COMPONENT_HOST_DESCRIPTION "trains models with LibTorch and runs hooks around every step
Grapnel trains YOLOX detectors and small classifiers from a TOML config, and
everything that happens around a training step is a hook: a shared library
behind a small, stable C interface, yours beside those of grapnel-plugins.
.
This package has the command line program, the conformance tool for hooks, and
the library to run hooks in a training loop of your own (its header needs
grapnel-sdk).")

  set(CPACK_DEBIAN_PLUGINS_PACKAGE_NAME grapnel-plugins)
  set(CPACK_DEBIAN_PLUGINS_PACKAGE_SECTION science)
  set(CPACK_DEBIAN_PLUGINS_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PLUGINS_PACKAGE_DEPENDS "grapnel ${this_version}")
  set(CPACK_COMPONENT_PLUGINS_DESCRIPTION "hooks of Grapnel: logging, checkpoints, schedules, averaging
Grapnel trains models with LibTorch, and everything that happens around a
training step is a hook.
.
This package has the hooks that the training's defaults name (logging,
checkpoints, learning rate schedules, timing) and the practical ones of MMEngine
and MMDetection: weight averaging, early stopping, YOLOX's schedules and more.")
endif()
include(CPack)
