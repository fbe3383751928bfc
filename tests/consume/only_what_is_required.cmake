# SPDX-FileCopyrightText: 2026 The Moesaic authors
# SPDX-License-Identifier: MIT
#
# cmake -Dcompiler=... -Dprogram=main.cpp "-Dinclude_dirs=a;b" -P only_what_is_required.cmake
list(TRANSFORM include_dirs PREPEND -I)
execute_process(COMMAND ${compiler} -std=c++20 -M "-DEXPECTED_VERSION=0" ${include_dirs} ${program}
                OUTPUT_VARIABLE headers COMMAND_ERROR_IS_FATAL ANY)
foreach(required IN ITEMS moesaic xsimd)
  if(NOT headers MATCHES "/${required}/")
    message(FATAL_ERROR "the program does not read ${required}: this test would see nothing")
  endif()
endforeach()
string(REGEX MATCHALL "[^ \n]*/(xtensor|xtl|CLI|nlohmann)/[^ \n]*|[^ \n]*/(fftw3|omp|zip|zlib)\\.h" optional "${headers}")
if(optional)
  list(JOIN optional "\n" optional)
  message(FATAL_ERROR "the umbrella header reads optional libraries:\n${optional}")
endif()
