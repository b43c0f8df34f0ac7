# SPDX-License-Identifier: GPL-2.0-or-later
# Write a page of the manual, with what the programs know put in its place:
# cmake -DIN=PAGE.in -DOUT=PAGE [-DFIELDS=FILE -DDIAGS=FILE ...] -P assemble.cmake
file(READ ${IN} page)
foreach(part COMMANDS FIELDS DIAGS GROUPS LINT VARIABLES PLACES)
	string(FIND "${page}" "@${part}@\n" at)
	if(at EQUAL -1)
		continue()
	endif()
	if(NOT DEFINED ${part})
		message(FATAL_ERROR "${IN} wants @${part}@, which nothing makes")
	endif()
	file(READ ${${part}} text)
	string(REPLACE "@${part}@\n" "${text}" page "${page}")
endforeach()
file(WRITE ${OUT} "${page}")
