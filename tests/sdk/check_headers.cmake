# Compiles every SDK header alone with one compiler and one standard, all warnings as errors. Variables:
# COMPILER, LANGUAGE (c or c++), STANDARD (c11, c++17), INCLUDE (sdk/include), HEADERS (*.h or *.hpp).
foreach(variable COMPILER LANGUAGE STANDARD INCLUDE HEADERS)
  if("${${variable}}" STREQUAL "")
    message(FATAL_ERROR "${variable} is not set")
  endif()
endforeach()
if(COMPILER MATCHES "-NOTFOUND$")
  message(FATAL_ERROR "${COMPILER} when this build was configured: install Debian's gcc, g++ and clang")
endif()
file(GLOB_RECURSE headers RELATIVE ${INCLUDE} ${INCLUDE}/grapnel/${HEADERS})
# Needs LibTorch; hook_services.hpp is a part of hook.hpp.
list(FILTER headers EXCLUDE REGEX "torch\\.hpp$")
list(LENGTH headers count)
if(count EQUAL 0)
  message(FATAL_ERROR "no header matches ${INCLUDE}/grapnel/${HEADERS}")
endif()
set(failed "")
foreach(header IN LISTS headers)
  string(MAKE_C_IDENTIFIER "${header}_${STANDARD}_${COMPILER}" unit)
  string(SHA1 unit ${unit})
  set(source ${CMAKE_CURRENT_BINARY_DIR}/header_units/${unit}.txt)
  # Twice: the guard must hold. The declaration keeps the unit from being empty.
  file(WRITE ${source} "#include <${header}>\n#include <${header}>\nextern int grapnel_not_empty;\n")
  execute_process(
    COMMAND ${COMPILER} -x ${LANGUAGE} -std=${STANDARD} -Wall -Wextra -pedantic -Werror -fsyntax-only
            -I ${INCLUDE} ${source}
    RESULT_VARIABLE status ERROR_VARIABLE errors OUTPUT_VARIABLE errors)
  if(NOT status EQUAL 0)
    string(APPEND failed "\n${header}: ${errors}")
  endif()
endforeach()
if(failed)
  message(FATAL_ERROR "${COMPILER} -std=${STANDARD} refuses:${failed}")
endif()
message(STATUS "${count} headers compile with ${COMPILER} -std=${STANDARD}")
