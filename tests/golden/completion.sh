#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# completion.sh - What bash offers, word by word: completion.sh MSB-NETC
set -u
PATH=$(dirname "$(realpath "$1")"):$PATH
source <(msb-netc --bash-completion) || exit 1
passed=0 failed=0
cd "$(mktemp -d)" || exit 1
trap 'rm -r "$PWD"' EXIT
touch net.json
mkdir -p state/sandboxes/web

offers() { # EXPECTED WORD... ; the last word is being completed
	local want=$1 got
	shift
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_msb_netc
	got=${COMPREPLY[*]-}
	if [ "$got" = "$want" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$*: offered \"$got\", expected \"$want\""
	fi
}

offers "compile" msb-netc com
offers "--help" msb-netc --h
offers "--output" msb-netc compile --o
offers "--preset" msb-netc compile --p
offers "public-only" msb-netc compile --preset pu
offers "none public-only allow-all non-local" msb-netc presets ""
offers "print export rotate" msb-netc ca ""
offers "net.json" msb-netc compile n
offers "net.json" msb-netc check net.json n
offers "egress" msb-netc explain net.json e
offers "allow deny" msb-netc explain --expect ""
offers "" msb-netc compile --slot ""
offers "web" msb-netc apply --state state ""
offers "web" msb-netc down --state = state w
offers "net.json" msb-netc apply --state state web n
offers "web" msb-netc diff --state state --live ""
offers "public-only" msb-netc check --preset = pu
offers "egress" msb-netc explain --preset none e
offers "egress" msb-netc explain - e
offers "no-effect" msb-netc lint --deny no
offers "net.json" msb-netc up web net.json --guest-netns ne
offers "readonly" msb-netc run net.json readonl
offers "net.json" msb-netc run net.json -- cat n
offers "" msb-netc run net.json -- ls -
while read -r command; do
	offers "$command" msb-netc "$command"
done < <(msb-netc --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
