# radial_embed(TARGET NAME FILE)
# Builds FILE into TARGET, as radial::embedded::NAME (an array of bytes) of the
# header NAME.h. Made again when FILE changes.
# As a script (cmake -DIN=... -DOUT=... -DNAME=... -P embed.cmake) it makes the header.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${IN}" bytes HEX)
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  file(WRITE "${OUT}" "#pragma once\n#include <array>\nnamespace radial::embedded {\n"
    "inline constexpr std::array<unsigned char, ${size}> ${NAME}{\n${bytes}\n};\n}\n")
  return()
endif()

set(RADIAL_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(radial_embed target name file)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  add_custom_command(OUTPUT ${folder}/${name}.h
    COMMAND ${CMAKE_COMMAND} -DIN=${file} -DOUT=${folder}/${name}.h -DNAME=${name} -P ${RADIAL_EMBED_SCRIPT}
    DEPENDS ${file} ${RADIAL_EMBED_SCRIPT} VERBATIM)
  target_sources(${target} PRIVATE ${folder}/${name}.h)
  target_include_directories(${target} PRIVATE ${folder})
endfunction()
