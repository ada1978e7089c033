# gantry.cmake - gantry_add_plugin(), for plugins in this tree and, through find_package(gantry),
# for everybody else's.
#
#   gantry_add_plugin(NAME [SOURCES] FILE... [LIBRARIES TARGET...])
#
# makes NAME.so: a module that a host can load. NAME is also the target's name, for more
# target_...() commands. Hidden symbols (only gantry_plugin_v1 is exported), every symbol resolved
# when it is built and again when it is loaded, no `lib` before the name. It is put into
# GANTRY_PLUGIN_DIR if that is set, otherwise into the current build folder.
function(gantry_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  set(sources ${arg_UNPARSED_ARGUMENTS} ${arg_SOURCES})
  if(NOT sources)
    message(FATAL_ERROR "gantry_add_plugin(${name}): names no source file")
  endif()

  add_library(${name} MODULE ${sources})
  target_link_libraries(${name} PRIVATE gantry::sdk ${arg_LIBRARIES})
  if(TARGET gantry-options)
    target_link_libraries(${name} PRIVATE gantry-options) # this tree's warnings
  endif()
  set_target_properties(${name} PROPERTIES
    PREFIX "" SUFFIX ".so"
    C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  # A C++ compiler's unique symbols would pin the plugin in memory: it could never be reloaded.
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  target_link_options(${name} PRIVATE -Wl,-z,now)

  # A sanitizer's symbols come from the host that was built with it.
  get_directory_property(options COMPILE_OPTIONS)
  if(NOT "${options} ${CMAKE_C_FLAGS} ${CMAKE_MODULE_LINKER_FLAGS}" MATCHES "-fsanitize")
    target_link_options(${name} PRIVATE -Wl,--no-undefined)
  endif()

  if(DEFINED GANTRY_PLUGIN_DIR)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${GANTRY_PLUGIN_DIR})
  endif()
endfunction()
