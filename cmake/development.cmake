# SPDX-FileCopyrightText: 2026 The Moesaic authors
# SPDX-License-Identifier: MIT
#
# For this project's own programs (tests, examples, benchmarks); nothing here reaches a user of the library.
set(CMAKE_CXX_EXTENSIONS OFF)
add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wconversion;-Wshadow>")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms in its own headers: AVX-512 intrinsics (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105593) and
  # "text" + std::string (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105329).
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-Wno-uninitialized;-Wno-maybe-uninitialized;-Wno-restrict>")
endif()
if(MOESAIC_WARNINGS_AS_ERRORS)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()

# moesaic_everything: moesaic with every optional library that was found.
add_library(moesaic_everything INTERFACE)
target_link_libraries(moesaic_everything INTERFACE moesaic)
foreach(component IN ITEMS fftw openmp)
  if(TARGET moesaic::${component})
    target_link_libraries(moesaic_everything INTERFACE moesaic::${component})
  else()
    message(STATUS "moesaic: building without ${component}, which was not found")
  endif()
endforeach()

# check_syntax(NAME FILES...): sources that a build leaves out, benchmarks for instance, are kept compiling by a test. It generates no
# code, which is most of the time. CMake knows NAME as a library.
add_custom_target(left_out)
function(check_syntax name)
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${ARGN})
  target_compile_options(${name} PRIVATE -fsyntax-only)
  add_dependencies(left_out ${name})
endfunction()

find_package(xtensor CONFIG QUIET)
find_package(CLI11 CONFIG QUIET)
find_package(ZLIB QUIET)
foreach(library IN ITEMS xtensor CLI11::CLI11 ZLIB::ZLIB)
  if(TARGET ${library})
    target_link_libraries(moesaic_everything INTERFACE ${library})
  else()
    message(STATUS "moesaic: building without ${library}, which was not found")
  endif()
endforeach()

# CUDA, where there is a toolkit: it may be without a GPU.
if(TARGET moesaic::thrust_cuda)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 80-real 90)  # and PTX of the last, for what comes after it
    endif()
    enable_language(CUDA)
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # which CMake 3.25 does not know yet
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
    endif()
    set(CMAKE_CUDA_STANDARD 20)
  endif()
endif()
