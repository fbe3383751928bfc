# SPDX-FileCopyrightText: 2026 The Moesaic authors
# SPDX-License-Identifier: MIT
#
# cmake -Dcpack=... -Ddpkg_deb=... -Dbuild=... -Dversion=... -Dfolder=... -P debian_package.cmake
file(REMOVE_RECURSE ${folder})
file(MAKE_DIRECTORY ${folder})
execute_process(COMMAND ${cpack} -G DEB -B ${folder} --config ${build}/CPackConfig.cmake WORKING_DIRECTORY ${folder}
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
set(package ${folder}/libmoesaic-dev_${version}_all.deb)
execute_process(COMMAND ${dpkg_deb} --field ${package} Architecture Depends OUTPUT_VARIABLE fields COMMAND_ERROR_IS_FATAL ANY)
if(NOT fields MATCHES "Architecture: all\nDepends: libeigen3-dev[^\n]*, libxsimd-dev")
  message(FATAL_ERROR "unexpected fields:\n${fields}")
endif()
execute_process(COMMAND ${dpkg_deb} --contents ${package} OUTPUT_VARIABLE contents COMMAND_ERROR_IS_FATAL ANY)
foreach(file IN ITEMS include/moesaic/version.hpp share/cmake/moesaic/moesaicConfig.cmake share/pkgconfig/moesaic.pc)
  if(NOT contents MATCHES "\\./usr/${file}\n")
    message(FATAL_ERROR "${file} is missing:\n${contents}")
  endif()
endforeach()
if(contents MATCHES " \\./usr/(lib|bin)/")
  message(FATAL_ERROR "files outside include/ and share/:\n${contents}")
endif()
