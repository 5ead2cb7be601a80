# What every room shares: warnings are errors, and one way to declare a room
# and its tests, so that a room's CMakeLists.txt is two lines.

add_library(radial_flags INTERFACE)
target_compile_options(radial_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  # Of the compiler that ships it; clang, which builds the fuzzers, has other warnings.
  $<$<CXX_COMPILER_ID:GNU>:-Werror>
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -fno-omit-frame-pointer -fstack-protector-strong
  # GCC 12 sees uninitialised reads inside std::optional that are not there
  # (GCC bugs 80635 and its duplicates); the sanitizer builds look for real ones.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
target_include_directories(radial_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
if(RADIAL_SANITIZE)
  target_compile_options(radial_flags INTERFACE -fsanitize=${RADIAL_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(radial_flags INTERFACE -fsanitize=${RADIAL_SANITIZE})
  if(RADIAL_SANITIZE MATCHES thread)
    target_compile_options(radial_flags INTERFACE -Wno-tsan)  # Asio's fences, which GCC cannot follow
  endif()
endif()

# What is shipped is hardened as Debian's own packages are: libc's checked
# functions, and nothing of the binary's tables left writable after its start.
# (PIE is the compiler's default.) Sanitizers have checks of their own, and
# the former needs an optimised build.
function(radial_harden target)
  if(RADIAL_SANITIZE OR NOT CMAKE_BUILD_TYPE MATCHES "^Rel")
    return()
  endif()
  target_compile_options(${target} PRIVATE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now)
endfunction()

# radial_room(NAME [DEPENDS room|target ...])
# A static library radial_NAME of every .cpp in the calling folder (and its
# sub-folders). A DEPENDS entry that is a room is written by its bare name.
function(radial_room name)
  cmake_parse_arguments(arg "" "" "DEPENDS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(sources)
    add_library(radial_${name} STATIC ${sources})
    radial_harden(radial_${name})
    set(scope PUBLIC)
  else()
    add_library(radial_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(radial_${name} ${scope} radial_flags)
  foreach(dep IN LISTS arg_DEPENDS)
    if(TARGET radial_${dep})
      target_link_libraries(radial_${name} ${scope} radial_${dep})
    else()
      target_link_libraries(radial_${name} ${scope} ${dep})
    endif()
  endforeach()
endfunction()

# radial_test(NAME [LABEL label] [DEPENDS room ...] [SOURCES file ...])
# A GoogleTest program of the given sources (default: every *_test.cpp in the
# calling folder), run as one ctest test named NAME.
function(radial_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "DEPENDS;SOURCES" ${ARGN})
  if(NOT arg_SOURCES)
    file(GLOB arg_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  endif()
  if(NOT arg_SOURCES)
    return()
  endif()
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  # A test's own code is run once and compiled everywhere: without optimising it
  # takes half the time. The rooms under test are compiled as they are shipped.
  target_compile_options(${name} PRIVATE -O0)
  target_link_libraries(${name} PRIVATE radial_flags test_paths GTest::gtest GTest::gmock GTest::gtest_main)
  foreach(dep IN LISTS arg_DEPENDS)
    if(TARGET radial_${dep})
      target_link_libraries(${name} PRIVATE radial_${dep})
    else()
      target_link_libraries(${name} PRIVATE ${dep})
    endif()
  endforeach()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()
