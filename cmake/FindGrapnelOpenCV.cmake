# Finds OpenCV's core, imgproc and imgcodecs by file: Debian's small -dev packages carry no
# OpenCVConfig.cmake (only the whole libopencv-dev does). Gives the target grapnel_opencv.
include(FindPackageHandleStandardArgs)
find_path(GrapnelOpenCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
set(libraries)
foreach(part imgcodecs imgproc core)
  find_library(GrapnelOpenCV_${part}_LIBRARY opencv_${part})
  list(APPEND libraries ${GrapnelOpenCV_${part}_LIBRARY})
endforeach()
find_package_handle_standard_args(GrapnelOpenCV REQUIRED_VARS GrapnelOpenCV_INCLUDE_DIR
  GrapnelOpenCV_core_LIBRARY GrapnelOpenCV_imgproc_LIBRARY GrapnelOpenCV_imgcodecs_LIBRARY)
if(GrapnelOpenCV_FOUND AND NOT TARGET grapnel_opencv)
  add_library(grapnel_opencv INTERFACE)
  target_include_directories(grapnel_opencv SYSTEM INTERFACE ${GrapnelOpenCV_INCLUDE_DIR})
  target_link_libraries(grapnel_opencv INTERFACE ${libraries})
endif()
