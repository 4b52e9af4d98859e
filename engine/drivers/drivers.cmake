# The drivers that come with plugpull, each where what it drives is installed. They go into drivers/
# of the build, beside the program, which looks for them there.
set(DRIVER_SOURCES ${CMAKE_CURRENT_LIST_DIR})
set(DRIVER_OUTPUT ${CMAKE_BINARY_DIR}/drivers)
file(MAKE_DIRECTORY ${DRIVER_OUTPUT})

# bbolt: Debian ships the library as sources in a GOPATH of its own, so nothing is downloaded.
find_program(GO go)
set(GO_PACKAGES /usr/share/gocode CACHE PATH "The GOPATH that holds go.etcd.io/bbolt")
if(GO AND EXISTS ${GO_PACKAGES}/src/go.etcd.io/bbolt/db.go)
  add_custom_command(
    OUTPUT ${DRIVER_OUTPUT}/plugpull-bbolt
    COMMAND ${CMAKE_COMMAND} -E env --unset=GOROOT GO111MODULE=off GOFLAGS= CGO_ENABLED=0 GOPROXY=off
            GOPATH=${GO_PACKAGES} GOCACHE=${CMAKE_BINARY_DIR}/go-cache GOENV=off
            ${GO} build -trimpath -o ${DRIVER_OUTPUT}/plugpull-bbolt main.go
    DEPENDS ${DRIVER_SOURCES}/bbolt/main.go
    WORKING_DIRECTORY ${DRIVER_SOURCES}/bbolt
    COMMENT "Building the Go driver plugpull-bbolt" VERBATIM)
  add_custom_target(plugpull_bbolt ALL DEPENDS ${DRIVER_OUTPUT}/plugpull-bbolt)
  add_dependencies(plugpull_engine plugpull_bbolt)
else()
  message(STATUS "No driver for bbolt: it needs golang-go and golang-github-coreos-bbolt-dev")
endif()

# LMDB: not with the options of the C++ sources, and never under a sanitizer, as a user's program.
find_path(LMDB_INCLUDE lmdb.h)
find_library(LMDB_LIBRARY lmdb)
if(LMDB_INCLUDE AND LMDB_LIBRARY)
  add_executable(plugpull_lmdb ${DRIVER_SOURCES}/lmdb/lmdb_driver.c)
  set_target_properties(plugpull_lmdb PROPERTIES
    OUTPUT_NAME plugpull-lmdb RUNTIME_OUTPUT_DIRECTORY ${DRIVER_OUTPUT}
    COMPILE_OPTIONS "-O2;-Wall;-Wextra;-Werror;-Wshadow" LINK_OPTIONS ""
    COMPILE_DEFINITIONS _GNU_SOURCE C_STANDARD 11)
  target_include_directories(plugpull_lmdb PRIVATE ${LMDB_INCLUDE})
  target_link_libraries(plugpull_lmdb PRIVATE ${LMDB_LIBRARY})
  add_dependencies(plugpull_engine plugpull_lmdb)
else()
  message(STATUS "No driver for LMDB: it needs liblmdb-dev")
endif()

# SQLite: the library that is installed, over its own unix VFS.
add_executable(plugpull_sqlite ${DRIVER_SOURCES}/sqlite/plugpull_sqlite.c)
set_target_properties(plugpull_sqlite PROPERTIES
  OUTPUT_NAME plugpull-sqlite RUNTIME_OUTPUT_DIRECTORY ${DRIVER_OUTPUT}
  COMPILE_OPTIONS "-O2;-Wall;-Wextra;-Werror;-Wshadow" LINK_OPTIONS ""
  COMPILE_DEFINITIONS _GNU_SOURCE C_STANDARD 11)
target_link_libraries(plugpull_sqlite PRIVATE PkgConfig::sqlite)
add_dependencies(plugpull_engine plugpull_sqlite)

# Mavibot: classes beside a script that starts Java with them and with Debian's jars.
set(MAVIBOT_JARS /usr/share/java CACHE PATH "The folder that holds mavibot.jar")
find_program(JAVAC javac)
if(JAVAC)
  execute_process(COMMAND ${JAVAC} --release 17 -version
                  RESULT_VARIABLE JAVAC_IS_TOO_OLD OUTPUT_QUIET ERROR_QUIET)
endif()
if(JAVAC AND NOT JAVAC_IS_TOO_OLD AND EXISTS ${MAVIBOT_JARS}/mavibot.jar)
  set(MAVIBOT_CLASSES ${MAVIBOT_JARS}/mavibot.jar ${MAVIBOT_JARS}/commons-collections3.jar
                      ${MAVIBOT_JARS}/slf4j-api.jar ${MAVIBOT_JARS}/slf4j-nop.jar)
  list(JOIN MAVIBOT_CLASSES ":" MAVIBOT_CLASSES)
  file(GLOB MAVIBOT_SOURCES CONFIGURE_DEPENDS ${DRIVER_SOURCES}/mavibot/*.java)
  configure_file(${DRIVER_SOURCES}/mavibot/plugpull-mavibot.in ${DRIVER_OUTPUT}/plugpull-mavibot
                 @ONLY FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
                 GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  add_custom_command(
    OUTPUT ${DRIVER_OUTPUT}/mavibot-classes/MavibotDriver.class
    COMMAND ${JAVAC} --release 17 -Xlint:all -Werror -cp ${MAVIBOT_CLASSES}
            -d ${DRIVER_OUTPUT}/mavibot-classes ${MAVIBOT_SOURCES}
    DEPENDS ${MAVIBOT_SOURCES}
    COMMENT "Building the Java driver plugpull-mavibot" VERBATIM)
  add_custom_target(plugpull_mavibot ALL
                    DEPENDS ${DRIVER_OUTPUT}/mavibot-classes/MavibotDriver.class)
  add_dependencies(plugpull_engine plugpull_mavibot)
else()
  message(STATUS "No driver for Mavibot: it needs default-jdk-headless and libmavibot-java")
endif()

# Python: nothing to build.
configure_file(${DRIVER_SOURCES}/python/plugpull_driver.py ${DRIVER_OUTPUT}/plugpull-python
               COPYONLY)
file(CHMOD ${DRIVER_OUTPUT}/plugpull-python
     PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                 WORLD_EXECUTE)
