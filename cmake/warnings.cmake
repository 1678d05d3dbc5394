# Warnings are errors, with g++ 12 and clang 14 alike.
add_library(tombolo_warnings INTERFACE)
target_compile_options(tombolo_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wcast-align
  -Wunused -Woverloaded-virtual -Wdouble-promotion -Wformat=2 -Wimplicit-fallthrough -Werror)
# g++ 12 sees overlapping copies in inlined string concatenation at -O3 that are not there (GCC bug 105651).
target_compile_options(tombolo_warnings INTERFACE $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
