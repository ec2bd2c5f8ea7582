# grapnel_add_hook(NAME SOURCES file... [LINK lib...] [TORCH])
#
# Builds one hook as a plugin: NAME.so, a loadable module with hidden visibility whose only exported
# symbol is the entry object, every symbol resolved at link time. Goes to <build>/plugins unless
# GRAPNEL_PLUGIN_OUTPUT_DIRECTORY says otherwise. TORCH links LibTorch (grapnel/torch.hpp). Sources may be
# C11, C++17 or both; a project without C++ needs none.
# Where GRAPNEL_CONFORMANCE_PROGRAM names grapnel-conformance (find_package(grapnel) sets it when the host is
# installed), the test NAME.conformance is added: ctest runs it once the project says enable_testing().
include_guard(GLOBAL)

function(grapnel_add_hook name)
  cmake_parse_arguments(arg "TORCH" "" "SOURCES;LINK" ${ARGN})
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "grapnel_add_hook(${name}): SOURCES is missing")
  endif()
  if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "grapnel_add_hook(${name}): not understood: ${arg_UNPARSED_ARGUMENTS}"
                        "${arg_KEYWORDS_MISSING_VALUES}; expected SOURCES file... [LINK lib...] [TORCH]")
  endif()
  if(NOT GRAPNEL_PLUGIN_OUTPUT_DIRECTORY)
    set(GRAPNEL_PLUGIN_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
  endif()
  set(version_script ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
  add_library(${name} MODULE ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES
    PREFIX "" SUFFIX ".so"
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY ${GRAPNEL_PLUGIN_OUTPUT_DIRECTORY}
    LINK_DEPENDS ${version_script})
  # A compiler's own default may be older: clang 14's is C++14.
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(C IN_LIST languages)
    target_compile_features(${name} PRIVATE c_std_11)
  endif()
  if(CXX IN_LIST languages)
    target_compile_features(${name} PRIVATE cxx_std_17)
  endif()
  target_compile_options(${name} PRIVATE -Wall -Wextra)
  target_link_options(${name} PRIVATE -Wl,-z,defs -Wl,-z,noexecstack -Wl,-z,relro
                      "-Wl,--version-script=${version_script}")
  target_link_libraries(${name} PRIVATE grapnel::sdk ${arg_LINK})
  if(arg_TORCH)
    find_package(Torch REQUIRED)
    target_link_libraries(${name} PRIVATE ${TORCH_LIBRARIES})
  endif()
  if(GRAPNEL_CONFORMANCE_PROGRAM)
    add_test(NAME ${name}.conformance COMMAND ${GRAPNEL_CONFORMANCE_PROGRAM} $<TARGET_FILE:${name}>)
  endif()
endfunction()
