# Builds the files of rows/ into the program, which then needs no source tree.
#
# plugpull_litmus_files(<target>): adds the source that builtin_files.h declares. Edits of the files
# are noticed by the next build.
function(plugpull_litmus_files TARGET)
  set(FOLDER ${CMAKE_CURRENT_SOURCE_DIR}/litmus)
  file(GLOB FILES CONFIGURE_DEPENDS ${FOLDER}/rows/*.litmus)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${FILES})
  set(LITMUS_FILES "")
  foreach(FILE IN LISTS FILES)
    file(READ ${FILE} TEXT)
    get_filename_component(NAME ${FILE} NAME)
    string(APPEND LITMUS_FILES "    {\"${NAME}\", R\"litmus(${TEXT})litmus\"},\n")
  endforeach()
  set(GENERATED ${CMAKE_BINARY_DIR}/generated/faults/litmus/builtin_files.cpp)
  configure_file(${FOLDER}/builtin_files.cpp.in ${GENERATED} @ONLY)
  target_sources(${TARGET} PRIVATE ${GENERATED})
endfunction()
