# SPDX-FileCopyrightText: 2026 The Moesaic authors
# SPDX-License-Identifier: MIT
#
# What moesaic needs and what it can use. Read by the project itself and by its installed package, so that both ask for the
# same. Sets moesaic_MISSING to a sentence where a required library was not found.
set(moesaic_MISSING "")

# No version in the call: Eigen 5 answers no to a request for 3.4.
if(NOT TARGET Eigen3::Eigen)
  find_package(Eigen3 CONFIG QUIET)
endif()
if(NOT TARGET Eigen3::Eigen)
  string(APPEND moesaic_MISSING "moesaic needs Eigen 3.4 or later, which was not found (Debian and Ubuntu: libeigen3-dev). ")
elseif(Eigen3_VERSION AND Eigen3_VERSION VERSION_LESS 3.4)
  string(APPEND moesaic_MISSING "moesaic needs Eigen 3.4 or later, found ${Eigen3_VERSION} in ${Eigen3_DIR}. ")
endif()

if(NOT TARGET xsimd)
  find_package(xsimd CONFIG QUIET)
endif()
if(NOT TARGET xsimd)
  string(APPEND moesaic_MISSING "moesaic needs xsimd 8.1 or later, which was not found (Debian and Ubuntu: libxsimd-dev). ")
elseif(xsimd_VERSION AND xsimd_VERSION VERSION_LESS 8.1)
  string(APPEND moesaic_MISSING "moesaic needs xsimd 8.1 or later, found ${xsimd_VERSION} in ${xsimd_DIR}. ")
else()
  # Debian 12's xsimd links to xtl, which it neither looks for nor depends on: without this the linker is asked for -lxtl.
  get_target_property(moesaic_xsimd_imported xsimd IMPORTED)
  get_target_property(moesaic_xsimd_links xsimd INTERFACE_LINK_LIBRARIES)
  if(moesaic_xsimd_imported AND "xtl" IN_LIST moesaic_xsimd_links AND NOT TARGET xtl)
    list(REMOVE_ITEM moesaic_xsimd_links xtl)
    set_target_properties(xsimd PROPERTIES INTERFACE_LINK_LIBRARIES "${moesaic_xsimd_links}")
  endif()
endif()

# moesaic::openmp: moesaic with threads.
function(moesaic_find_openmp)
  if(TARGET moesaic::openmp)
    return()
  endif()
  find_package(OpenMP QUIET COMPONENTS CXX)
  if(TARGET OpenMP::OpenMP_CXX)
    add_library(moesaic::openmp INTERFACE IMPORTED GLOBAL)
    target_link_libraries(moesaic::openmp INTERFACE moesaic::moesaic OpenMP::OpenMP_CXX)
  endif()
endfunction()

# moesaic::fftw: moesaic with FFTW (GPL) instead of Eigen's own transforms. By pkg-config: the CMake files of FFTW's autotools
# builds are broken.
function(moesaic_find_fftw)
  if(TARGET moesaic::fftw)
    return()
  endif()
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(moesaic_fftw QUIET IMPORTED_TARGET GLOBAL fftw3 fftw3f)
  endif()
  if(TARGET PkgConfig::moesaic_fftw)
    add_library(moesaic::fftw INTERFACE IMPORTED GLOBAL)
    target_compile_definitions(moesaic::fftw INTERFACE MOESAIC_WITH_FFTW)
    target_link_libraries(moesaic::fftw INTERFACE moesaic::moesaic PkgConfig::moesaic_fftw)
  endif()
endfunction()
