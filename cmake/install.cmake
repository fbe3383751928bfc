# SPDX-FileCopyrightText: 2026 The Moesaic authors
# SPDX-License-Identifier: MIT
#
# Install rules, the CMake package of the build tree and of the install tree, pkg-config and a Debian package. All of it is the
# same on every machine, so everything but the headers goes under share/.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/moesaic)
configure_package_config_file(cmake/moesaicConfig.cmake.in ${PROJECT_BINARY_DIR}/moesaicConfig.cmake
                              INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/moesaicConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
configure_file(cmake/moesaicDependencies.cmake ${PROJECT_BINARY_DIR}/moesaicDependencies.cmake COPYONLY)
configure_file(cmake/moesaic.pc.in ${PROJECT_BINARY_DIR}/moesaic.pc @ONLY)

install(TARGETS moesaic EXPORT moesaic FILE_SET HEADERS FILE_SET optional_headers FILE_SET thrust_headers)
install(EXPORT moesaic NAMESPACE moesaic:: FILE moesaicTargets.cmake DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/moesaicConfig.cmake ${PROJECT_BINARY_DIR}/moesaicConfigVersion.cmake
              cmake/moesaicDependencies.cmake DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/moesaic.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
export(EXPORT moesaic NAMESPACE moesaic:: FILE ${PROJECT_BINARY_DIR}/moesaicTargets.cmake)

if(PROJECT_IS_TOP_LEVEL)
  set(CPACK_GENERATOR DEB)
  set(CPACK_PACKAGE_NAME libmoesaic-dev)
  set(CPACK_PACKAGE_VENDOR "The Moesaic authors")
  set(CPACK_PACKAGE_CONTACT "The Moesaic authors")
  set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
  set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_PACKAGE_DEPENDS "libeigen3-dev (>= 3.4), libxsimd-dev (>= 8.1)")
  set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libfftw3-dev, libxtensor-dev, pkg-config")
  include(CPack)
endif()
