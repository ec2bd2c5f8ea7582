# grapnel_add_hook(NAME SOURCES file... [LINK lib...] [TORCH])
#
# Builds one hook as a plugin: NAME.so, a loadable module with hidden visibility whose only exported
# symbol is the entry object, every symbol resolved at link time. Goes to <build>/plugins unless
# GRAPNEL_PLUGIN_OUTPUT_DIRECTORY says otherwise. TORCH links LibTorch (grapnel/torch.hpp).
include_guard(GLOBAL)
set(GRAPNEL_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})

function(grapnel_add_hook name)
  cmake_parse_arguments(arg "TORCH" "" "SOURCES;LINK" ${ARGN})
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "grapnel_add_hook(${name}): SOURCES is missing")
  endif()
  if(NOT GRAPNEL_PLUGIN_OUTPUT_DIRECTORY)
    set(GRAPNEL_PLUGIN_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
  endif()
  add_library(${name} MODULE ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES
    PREFIX "" SUFFIX ".so"
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY ${GRAPNEL_PLUGIN_OUTPUT_DIRECTORY}
    LINK_DEPENDS ${GRAPNEL_CMAKE_DIR}/plugin.map)
  target_compile_options(${name} PRIVATE -Wall -Wextra)
  target_link_options(${name} PRIVATE -Wl,-z,defs -Wl,-z,noexecstack -Wl,-z,relro
                      -Wl,--version-script=${GRAPNEL_CMAKE_DIR}/plugin.map)
  target_link_libraries(${name} PRIVATE grapnel::sdk ${arg_LINK})
  if(arg_TORCH)
    find_package(Torch REQUIRED)
    target_link_libraries(${name} PRIVATE ${TORCH_LIBRARIES})
  endif()
endfunction()
