# What `cmake --install` puts where: header files, both libraries, the program, the hook library that
# the program preloads, and the files by which pkg-config and CMake find them.
include(CMakePackageConfigHelpers)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/reel
	DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
install(TARGETS reel RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS reel-native LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/reel)
install(TARGETS reel-native-static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS reel_shared reel_static EXPORT reel-targets
	LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
	ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/reel)
install(EXPORT reel-targets NAMESPACE reel:: DESTINATION ${package_directory})
configure_package_config_file(cmake/reel-config.cmake.in
	${PROJECT_BINARY_DIR}/cmake/reel-config.cmake INSTALL_DESTINATION ${package_directory})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/reel-config-version.cmake
	COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cmake/reel-config.cmake
	${PROJECT_BINARY_DIR}/cmake/reel-config-version.cmake DESTINATION ${package_directory})

# Paths in reel.pc start at its own place, so that an installed tree may be moved.
file(RELATIVE_PATH prefix_from_pkgconfig
	${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" prefix_from_pkgconfig "${prefix_from_pkgconfig}")
configure_file(cmake/reel.pc.in ${PROJECT_BINARY_DIR}/cmake/reel.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cmake/reel.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
