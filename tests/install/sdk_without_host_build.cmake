# A tree configured without the host, for the system's own place: the SDK needs no LibTorch to be installed,
# and works from the folders that Debian uses for one architecture.
include(${CMAKE_CURRENT_LIST_DIR}/installed.cmake)
set(build ${WORK_DIR}/without_host)
set(root ${WORK_DIR}/root)
file(REMOVE_RECURSE ${root})
configure_project(SOURCE ${SOURCE_DIR} BUILD ${build} PREFIX ${WORK_DIR}/nowhere
                  OPTIONS -DGRAPNEL_BUILD_HOST=OFF -DGRAPNEL_BUILD_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr
                          -DCMAKE_DISABLE_FIND_PACKAGE_Torch=ON -DCMAKE_DISABLE_FIND_PACKAGE_Boost=ON)
run(ENV DESTDIR=${root} COMMAND ${CMAKE_COMMAND} --install ${build} --component sdk)
file(GLOB_RECURSE config ${root}/usr/lib/*/grapnelConfig.cmake)
if(NOT config)
  message(FATAL_ERROR "no grapnelConfig.cmake in ${root}/usr/lib")
endif()
build_project(from_root ${CONSUMERS} PREFIX ${root}/usr BUILT built)
expect_file(${built}/plugins/StepCounter.so ${built}/plugins/RunGreeter.so)
