# SPDX-FileCopyrightText: 2026 The Moesaic authors
# SPDX-License-Identifier: MIT
#
# cmake -Dcompiler=... -Dcase=file.cpp "-Dinclude_dirs=a;b" -P check_case.cmake
set(first_errors 3)

file(READ ${case} text)
if(NOT text MATCHES "^// expect: ([^\n]+)\n")
  message(FATAL_ERROR "${case}: the first line must be `// expect: text`")
endif()
set(expected "${CMAKE_MATCH_1}")

list(TRANSFORM include_dirs PREPEND -I)
function(compile result errors)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C ${compiler} -std=c++20 -fsyntax-only ${include_dirs} ${ARGN} ${case}
                  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  set(${result} "${status}" PARENT_SCOPE)
  set(${errors} "${output}" PARENT_SCOPE)
endfunction()

compile(status output -DCONTROL)
if(NOT status EQUAL 0)
  message(NOTICE "${output}")
  message(FATAL_ERROR "${case}: must compile once the mistake is taken out (-DCONTROL), but does not")
endif()

compile(status output)
if(status EQUAL 0)
  message(FATAL_ERROR "${case}: must not compile, but does")
endif()
# Brackets and semicolons would be read as parts of CMake lists.
string(REGEX REPLACE "[][;]" " " lines "${output}")
string(REGEX REPLACE "[][;]" " " wanted "${expected}")
string(REGEX MATCHALL "error: [^\n]*" lines "${lines}")
list(SUBLIST lines 0 ${first_errors} lines)
string(FIND "${lines}" "${wanted}" at)
if(at EQUAL -1)
  message(NOTICE "${output}")
  message(FATAL_ERROR "${case}: `${expected}` is not among the first ${first_errors} errors")
endif()
