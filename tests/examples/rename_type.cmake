# cmake -DIN=file -DOUT=file -DFROM=Type -DTO=Type -P rename_type.cmake: the example's source with another
# hook type, so that builds of one source by several compilers can be loaded side by side.
file(READ ${IN} text)
string(FIND "${text}" "${FROM}" found)
if(found EQUAL -1)
  message(FATAL_ERROR "${IN} does not name ${FROM}")
endif()
string(REPLACE "${FROM}" "${TO}" text "${text}")
file(WRITE ${OUT} "${text}")
