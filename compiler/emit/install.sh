#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# install.sh - Let a guest find its gateway, and trust the CAs that are meant for it.
#
#	install.sh [--root DIR] [--remove]
#
# What it installs lies beside it: resolv.conf, hosts, env and, if there are any,
# ca.pem and host-cas.pem. All of it goes to /etc/msb-netc too, from wherever this is
# run. Running it again changes nothing; with other files it replaces what it has
# installed before. --root: into the tree of a guest that is not running, which needs
# no shell of its own. --remove: everything is as it was.
#
# A CA reaches the guest's store by the guest's own tool, and in a guest without one by
# the files of certificates themselves, between two lines that say so.
set -eu
umask 022

begin='# BEGIN msb-netc'
end='# END msb-netc'
# Where systems have all certificates in one file; the first is the one that is shown.
bundles='/etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt
	/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/ssl/ca-bundle.pem
	/etc/ssl/cert.pem /etc/ssl/certs/ca-bundle.crt'
files='ca.pem env host-cas.pem hosts install.sh network resolv.conf'

die() {
	printf 'install.sh: %s\n' "$1" >&2
	exit 1
}

usage() {
	printf 'usage: install.sh [--root DIR] [--remove]\n' >&2
	exit 2
}

root=
remove=
while [ $# -gt 0 ]; do
	case $1 in
	--root)
		[ $# -gt 1 ] || usage
		root=$(cd -P -- "$2" && pwd -P) || die "there is no directory $2"
		shift
		;;
	--remove) remove=yes ;;
	*) usage ;;
	esac
	shift
done
root=${root%/}
from=$(cd -P -- "$(dirname -- "$0")" && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Where a path of the guest leads, as the guest would follow it: never out of its root.
resolve() { # PATH
	rest=$1
	path=
	hops=0
	while [ -n "$rest" ]; do
		rest=${rest#/}
		part=${rest%%/*}
		rest=${rest#"$part"}
		case $part in
		'' | .) continue ;;
		..)
			path=${path%/*}
			continue
			;;
		esac
		if [ -L "$root$path/$part" ]; then
			hops=$((hops + 1))
			[ "$hops" -le 40 ] || die "$1: too many symbolic links"
			to=$(readlink "$root$path/$part")
			case $to in
			/*) path= ;;
			esac
			rest=$to$rest
		else
			path=$path/$part
		fi
	done
	printf '%s\n' "$root$path"
}

# Every certificate of files, each as one line.
certs() { # FILE...
	for file; do
		[ ! -f "$file" ] || { cat -- "$file" && echo; }
	done | awk '
		/^-----BEGIN CERTIFICATE-----/ { on = 1; text = ""; next }
		/^-----END CERTIFICATE-----/ { if (on) print text; on = 0; next }
		on { gsub(/[ \t\r]/, ""); text = text $0 }'
}

# Such lines as PEM.
pem() {
	awk '{
		print "-----BEGIN CERTIFICATE-----"
		for (i = 1; i <= length($0); i += 64)
			print substr($0, i, 64)
		print "-----END CERTIFICATE-----"
	}'
}

# Lines, each once, that are not in a file.
without() { # FILE
	awk -v "file=$1" '
		BEGIN { while ((getline line <file) > 0) seen[line] = 1 }
		!seen[$0]++'
}

# What is between our two lines, and what is not.
ours() { # FILE
	sed -n "/^$begin\$/,/^$end\$/p" "$1"
}

others() { # FILE
	sed "/^$begin\$/,/^$end\$/d" "$1"
}

# Puts a file in the place of another, at once, unless they are the same.
changed=
put() { # FROM TO
	if [ -f "$2" ] && [ ! -L "$2" ] && cmp -s "$1" "$2"; then
		return 0
	fi
	changed=yes
	mkdir -p -- "${2%/*}"
	if ! { cp -- "$1" "$2.msb-netc" && chmod 644 "$2.msb-netc"; }; then
		rm -f -- "$2.msb-netc"
		die "cannot write $2"
	fi
	# A file that something is mounted on can be written, but not replaced.
	if ! mv -f -- "$2.msb-netc" "$2" 2>/dev/null; then
		rm -f -- "$2.msb-netc"
		cat -- "$1" >"$2"
	fi
}

drop() { # FILE...
	for file; do
		if [ -e "$file" ] || [ -L "$file" ]; then
			changed=yes
			rm -f -- "$file"
		fi
	done
}

has_tool() { # NAME
	for folder in /usr/sbin /usr/bin /sbin /bin; do
		[ ! -f "$(resolve "$folder/$1")" ] || return 0
	done
	return 1
}

home=$(resolve /etc/msb-netc)
single=$(resolve /usr/local/share/ca-certificates)
[ ! -d "$root/etc/pki/trust/anchors" ] || single=$(resolve /etc/pki/trust/anchors)
joint=$(resolve /etc/pki/ca-trust/source/anchors)
[ -d "$joint" ] || joint=$(resolve /etc/ca-certificates/trust-source/anchors)

# --- which certificates: those that the guest would not trust without us ---

first=
for bundle in $bundles; do
	file=$(resolve "$bundle")
	if [ -f "$file" ]; then
		[ -n "$first" ] || first=$bundle
		ours "$file" >>"$work/blocks"
	fi
done
[ -n "$first" ] || first=/etc/ssl/certs/ca-certificates.crt
certs "$work/blocks" "$single"/msb-netc-*.crt "$joint/msb-netc.pem" >"$work/before"
certs "$(resolve "$first")" | without "$work/before" >"$work/system"
: >"$work/wanted"
if [ -z "$remove" ]; then
	certs "$from/ca.pem" "$from/host-cas.pem" | without "$work/system" >"$work/wanted"
fi

# --- /etc/msb-netc ---

for name in $files; do
	[ "$from" != "$home" ] || break
	if [ -z "$remove" ] && [ -f "$from/$name" ]; then
		put "$from/$name" "$home/$name"
	else
		drop "$home/$name"
	fi
done

# --- the guest's own tools ---

changed=
mkdir "$work/single"
if has_tool update-ca-certificates; then
	# Named by their signatures: what has its old name tools take for the old one.
	awk -v "to=$work/single" '{
		name = substr($0, length($0) - 31)
		gsub(/[^A-Za-z0-9]/, "", name)
		file = to "/msb-netc-" name ".crt"
		print >file
		close(file)
	}' "$work/wanted"
fi
for file in "$work"/single/*; do
	[ -f "$file" ] || continue
	pem <"$file" >"$work/pem"
	put "$work/pem" "$single/${file##*/}"
done
for file in "$single"/msb-netc-*.crt; do
	[ -f "$work/single/${file##*/}" ] || drop "$file"
done
if has_tool update-ca-trust && [ -s "$work/wanted" ]; then
	pem <"$work/wanted" >"$work/pem"
	put "$work/pem" "$joint/msb-netc.pem"
else
	drop "$joint/msb-netc.pem"
fi
if [ -n "$changed" ] && [ -z "$root" ]; then
	# Without --fresh one tool leaves the links to what is no more.
	for tool in 'update-ca-certificates --fresh' update-ca-trust; do
		if has_tool "${tool%% *}" && ! $tool >"$work/said" 2>&1; then
			printf 'install.sh: %s failed: %s\n' "$tool" "$(tail -n 1 "$work/said")" >&2
		fi
	done
fi

# --- the files of certificates, for what no tool has put there ---

for bundle in $bundles; do
	file=$(resolve "$bundle")
	if [ -f "$file" ]; then
		others "$file" >"$work/bundle"
	elif [ "$bundle" = "$first" ] && [ -s "$work/wanted" ]; then
		: >"$work/bundle"
	else
		continue
	fi
	certs "$work/bundle" >"$work/there"
	without "$work/there" <"$work/wanted" >"$work/missing"
	if [ -s "$work/missing" ]; then
		# A last line may lack its end.
		[ -z "$(tail -c 1 "$work/bundle")" ] || echo >>"$work/bundle"
		{ echo "$begin" && pem <"$work/missing" && echo "$end"; } >>"$work/bundle"
	fi
	if [ -s "$work/bundle" ] || [ ! -f "$work/blocks" ] || [ -z "$(ours "$file")" ]; then
		put "$work/bundle" "$file"
	else
		drop "$file"
	fi
done

# --- what variables point at ---

if [ -s "$work/wanted" ] || grep -q '=/etc/msb-netc/trust.pem$' "$from/env" && [ -z "$remove" ]; then
	if [ "$(readlink "$home/trust.pem")" != "$first" ]; then
		mkdir -p -- "$home"
		ln -s "$first" "$home/trust.pem.msb-netc"
		mv -f -- "$home/trust.pem.msb-netc" "$home/trust.pem"
	fi
else
	drop "$home/trust.pem"
fi
profile=$(resolve /etc/profile.d)
if [ -d "$profile" ] && [ -z "$remove" ] && grep -q '^[A-Za-z_]' "$from/env"; then
	cat >"$work/profile" <<'END'
# Written by msb-netc.
if [ -r /etc/msb-netc/env ]; then
	set -a
	. /etc/msb-netc/env
	set +a
fi
END
	put "$work/profile" "$profile/msb-netc.sh"
else
	drop "$profile/msb-netc.sh"
fi

# --- names ---

hosts=$(resolve /etc/hosts)
: >"$work/hosts"
[ ! -f "$hosts" ] || others "$hosts" >"$work/hosts"
if [ -z "$remove" ]; then
	[ -z "$(tail -c 1 "$work/hosts")" ] || echo >>"$work/hosts"
	echo "$begin" >>"$work/hosts"
	if grep -q localhost "$work/hosts"; then
		sed '/localhost/d; /^#/d' "$from/hosts" >>"$work/hosts"
	else
		sed '/^#/d' "$from/hosts" >>"$work/hosts"
	fi
	echo "$end" >>"$work/hosts"
fi
if [ -s "$work/hosts" ]; then
	put "$work/hosts" "$hosts"
else
	drop "$hosts"
fi

# The one before may be a link, which is kept as a link.
resolv=$(resolve /etc)/resolv.conf
is_ours() {
	[ ! -L "$resolv" ] && [ -f "$resolv" ] &&
		[ "$(head -n 1 "$resolv")" = '# Written by msb-netc.' ]
}
if [ -z "$remove" ]; then
	if ! is_ours && { [ -e "$resolv" ] || [ -L "$resolv" ]; }; then
		mkdir -p -- "$home"
		cp -P -- "$resolv" "$home/resolv.conf.before"
	fi
	put "$from/resolv.conf" "$resolv"
elif is_ours; then
	if [ -L "$home/resolv.conf.before" ]; then
		mv -f -- "$home/resolv.conf.before" "$resolv"
	elif [ -f "$home/resolv.conf.before" ]; then
		put "$home/resolv.conf.before" "$resolv"
		drop "$home/resolv.conf.before"
	else
		drop "$resolv"
	fi
fi
[ -z "$remove" ] || rmdir -- "$home" 2>/dev/null || :
