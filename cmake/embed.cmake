# radial_embed(ROOM NAME FILE)
# Builds FILE into a room, as radial::embedded::NAME (an array of bytes) of its
# header ROOM/NAME.h. Made again when FILE changes.
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
function(radial_embed room name file)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  set(header ${folder}/${room}/${name}.h)
  add_custom_command(OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -DIN=${file} -DOUT=${header} -DNAME=${name} -P ${RADIAL_EMBED_SCRIPT}
    DEPENDS ${file} ${RADIAL_EMBED_SCRIPT} VERBATIM)
  target_sources(radial_${room} PRIVATE ${header})
  target_include_directories(radial_${room} PRIVATE ${folder})
endfunction()
