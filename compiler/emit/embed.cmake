# SPDX-License-Identifier: GPL-2.0-or-later
# Write the guest's script into a C file: cmake -DIN=FILE -DOUT=FILE -P embed.cmake
file(READ ${IN} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "((0x..,){16})" "\\1\n\t" bytes "${bytes}")
file(WRITE ${OUT} "/* SPDX-License-Identifier: GPL-2.0-or-later */
/* install_script.c - The bytes of install.sh. */
#include \"guest.h\"

const char guest_install_script[] = {\n\t${bytes}0x00};\n")
