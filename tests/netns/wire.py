# SPDX-License-Identifier: GPL-2.0-or-later
"""wire.py - Packets as bytes: building them, and reading them back."""
import ipaddress
import struct

TCP, UDP, ICMP, ICMPV6, SCTP, GRE, ESP = 6, 17, 1, 58, 132, 47, 50
SYN, RST, ACK = 0x02, 0x04, 0x10
MAGIC = 0x4D530000


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _crc32c_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


_CRC32C = _crc32c_table()


def crc32c(data):
    """The checksum of SCTP (RFC 9260, appendix A)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC32C[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def pseudo(src, dst, proto, length):
    """The pseudo header that transport checksums cover."""
    if src.version == 4:
        return src.packed + dst.packed + struct.pack("!BBH", 0, proto, length)
    return src.packed + dst.packed + struct.pack("!IHBB", length, 0, 0, proto)


def udp(src, dst, sport, dport, data=b""):
    length = 8 + len(data)
    head = struct.pack("!HHHH", sport, dport, length, 0)
    total = checksum(pseudo(src, dst, UDP, length) + head + data) or 0xFFFF
    return head[:6] + struct.pack("!H", total) + data


def tcp(src, dst, sport, dport, seq=0, ack=0, flags=SYN, data=b""):
    head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 0x50, flags,
                       64240, 0, 0)
    total = checksum(pseudo(src, dst, TCP, 20 + len(data)) + head + data)
    return head[:16] + struct.pack("!H", total) + head[18:] + data


def icmp(src, dst, kind, code=0, rest=b"\0\0\0\0", data=b""):
    """An ICMP message of the family of its addresses."""
    head = struct.pack("!BBH", kind, code, 0)
    over = b""
    if src.version == 6:
        over = pseudo(src, dst, ICMPV6, 4 + len(rest) + len(data))
    total = checksum(over + head + rest + data)
    return head[:2] + struct.pack("!H", total) + rest + data


def echo(src, dst, ident, data=b""):
    kind = 8 if src.version == 4 else 128
    return icmp(src, dst, kind, 0, struct.pack("!HH", ident, 1), data)


def sctp_init(sport, dport, tag):
    """The packet that opens an association."""
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, tag, 65536, 1, 1, 1)
    head = struct.pack("!HHII", sport, dport, 0, 0)
    total = crc32c(head + chunk)
    return head[:8] + struct.pack("<I", total) + chunk


def ip(src, dst, proto, payload, ttl=64, dont_fragment=False):
    """An IP packet of the family of its addresses."""
    if src.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), proto,
                           ttl) + src.packed + dst.packed + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1,
                       0x4000 if dont_fragment else 0, ttl, proto, 0)
    head += src.packed + dst.packed
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ip_options(packet, options):
    """An IPv4 packet with options, a multiple of 4 bytes, in its header."""
    head = bytearray(packet[:20] + options)
    head[0] = 0x40 | len(head) // 4
    head[2:4] = struct.pack("!H", len(packet) + len(options))
    head[10:12] = b"\0\0"
    head[10:12] = struct.pack("!H", checksum(bytes(head)))
    return bytes(head) + packet[20:]


def ip6_headers(packet, *headers):
    """An IPv6 packet with extension headers: (number, bytes behind the first)."""
    load = packet[40:]
    after = packet[6]
    for number, rest in reversed(headers):
        load, after = bytes((after,)) + rest + load, number
    return packet[:4] + struct.pack("!HB", len(load), after) + \
        packet[7:40] + load


def fragments(packet, *offsets, ident=77):
    """An IP packet cut at these offsets of its payload, multiples of 8."""
    head = 20 if packet[0] >> 4 == 4 else 40
    load, cuts = packet[head:], (0,) + offsets + (len(packet) - head,)
    parts = []
    for start, end in zip(cuts, cuts[1:]):
        parts.append(fragment(packet, start, load[start:end],
                              end < len(load), ident))
    return parts


def fragment(packet, offset, load, more, ident=77):
    """One fragment of an IP packet."""
    if packet[0] >> 4 == 6:
        rest = struct.pack("!BHI", 0, offset | more, ident)
        head = packet[:4] + struct.pack("!HB", 8 + len(load), 44) + \
            packet[7:40]
        return head + packet[6:7] + rest + load
    head = bytearray(packet[:20])
    head[2:8] = struct.pack("!HHH", 20 + len(load), ident,
                            offset // 8 | (0x2000 if more else 0))
    head[10:12] = b"\0\0"
    head[10:12] = struct.pack("!H", checksum(bytes(head)))
    return bytes(head) + load


def frame(to_mac, from_mac, packet):
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    return to_mac + from_mac + struct.pack("!H", kind) + packet


def mac(text):
    return bytes(int(part, 16) for part in text.split(":"))


def transport(src, dst, proto, sport, dport, tag):
    """The first packet of a flow, marked with a tag that NAT leaves alone."""
    mark = struct.pack("!I", MAGIC | tag)
    if proto == TCP:
        return tcp(src, dst, sport, dport, MAGIC | tag)
    if proto == UDP:
        return udp(src, dst, sport, dport, mark)
    if (proto, src.version) in ((ICMP, 4), (ICMPV6, 6)):
        return echo(src, dst, sport, mark)
    if proto == SCTP:
        return sctp_init(sport, 5000, MAGIC | tag)
    if proto == GRE:
        return struct.pack("!HH", 0, sport) + mark
    return struct.pack("!HH", sport, 1) + mark


class Packet:
    """An IP packet that was read back; its attributes are its fields."""

    def __init__(self, data):
        self.version = data[0] >> 4
        if self.version == 4:
            self.proto, self.ttl = data[9], data[8]
            self.src = ipaddress.ip_address(data[12:16])
            self.dst = ipaddress.ip_address(data[16:20])
            self.load = data[(data[0] & 15) * 4:
                             struct.unpack("!H", data[2:4])[0]]
        else:
            self.proto, self.ttl = data[6], data[7]
            self.src = ipaddress.ip_address(data[8:24])
            self.dst = ipaddress.ip_address(data[24:40])
            self.load = data[40:40 + struct.unpack("!H", data[4:6])[0]]
        self.sport = self.dport = self.kind = self.code = None
        if self.proto in (TCP, UDP) and len(self.load) >= 8:
            self.sport, self.dport = struct.unpack("!HH", self.load[:4])
        if self.proto in (ICMP, ICMPV6) and len(self.load) >= 8:
            self.kind, self.code = self.load[:2]

    def tag(self):
        """The tag of transport(), or None."""
        at = {TCP: 4, UDP: 8, ICMP: 8, ICMPV6: 8, SCTP: 16}.get(self.proto, 4)
        if len(self.load) < at + 4:
            return None
        mark = struct.unpack("!I", self.load[at:at + 4])[0]
        if mark >> 16 != MAGIC >> 16:
            return None
        # An echo reply is an answer, not the packet itself.
        if self.kind in (0, 129) and self.proto in (ICMP, ICMPV6):
            return None
        return mark & 0xFFFF

    def flags(self):
        return self.load[13] if self.proto == TCP else 0
