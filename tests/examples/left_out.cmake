# The installed examples' CMake project on a machine without Rust and LibTorch: it says what it leaves out and
# builds the rest.
include(${CMAKE_CURRENT_LIST_DIR}/../install/installed.cmake)
set(built ${WORK_DIR}/projects/examples_left_out)
configure_project(SOURCE ${PREFIX}/share/grapnel/examples BUILD ${built} PREFIX ${PREFIX} OUTPUT said
                  OPTIONS -DRUSTC=RUSTC-NOTFOUND -DCMAKE_DISABLE_FIND_PACKAGE_Torch=ON)
expect_says("${said}" "LossGuardRust is left out: there is no rustc")
expect_says("${said}" "GradientNorms is left out: there is no LibTorch")
run(COMMAND ${CMAKE_COMMAND} --build ${built})
foreach(hook LossGuardC LossGuardCpp WeightDistance StopFile Curve)
  expect_file(${built}/plugins/${hook}.so)
endforeach()
