# SPDX-License-Identifier: GPL-2.0-or-later
"""tls_clients.py - Interception and names, as clients see them that CI lacks.

    tls_clients.py MSB-NETC [--only NAME,...]

Java, Go, Node, Python 3.13 (which is strict; PYTHON313
says where it is), Chromium, Firefox, wget and curl with GnuTLS: those that are
installed. Each resolves names through the gateway by itself, and is told to trust
the generated CA in the way that it has. For each: a server whose leaf is ours, one
that is spliced, one whose name is denied, and one whose certificate has expired. Then
sslscan looks at what the guest is offered.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from lab import enter_laboratory, run
from machine import STATE, Machine
from report import Report
from tls import clients, table
from tls.world import NAME_SERVER, address

GATEWAY = "172.16.0.1"
JAVA = """import java.io.*; import java.net.*; import java.security.*;
import java.security.cert.*; import javax.net.ssl.*; import java.net.http.*;
public class Client {
  public static void main(String[] a) throws Exception {
    KeyStore s = KeyStore.getInstance(KeyStore.getDefaultType());
    s.load(null, null);
    int n = 0;
    try (InputStream in = new FileInputStream(a[0])) {
      for (var c : CertificateFactory.getInstance("X.509").generateCertificates(in))
        s.setCertificateEntry("c" + n++, c);
    }
    var f = TrustManagerFactory.getInstance("PKIX");
    f.init(s);
    var x = SSLContext.getInstance("TLS");
    x.init(null, f.getTrustManagers(), null);
    var client = HttpClient.newBuilder().sslContext(x).build();
    var r = client.send(HttpRequest.newBuilder(URI.create(a[1])).build(),
        HttpResponse.BodyHandlers.ofString());
    System.out.println(r.version() + " " + r.body());
  }
}
"""
GO = """package main
import ("crypto/tls"; "crypto/x509"; "fmt"; "io"; "net/http"; "os")
func main() {
	pem, _ := os.ReadFile(os.Args[1])
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	c := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{RootCAs: pool}}}
	r, err := c.Get(os.Args[2])
	if err != nil { fmt.Println(err); os.Exit(1) }
	b, _ := io.ReadAll(r.Body)
	fmt.Println(r.Proto, string(b))
}
"""
NODE = """require('https').get(process.argv[1], r => {
  let s = ''; r.on('data', d => s += d); r.on('end', () => console.log(s));
}).on('error', e => { console.log(e.message); process.exit(1); });
"""
CURL = """import ctypes, sys
c = ctypes.CDLL("libcurl-gnutls.so.4")
c.curl_easy_init.restype = ctypes.c_void_p
c.curl_version.restype = ctypes.c_char_p
c.curl_easy_strerror.restype = ctypes.c_char_p
print(c.curl_version().decode(), flush=True)
h = ctypes.c_void_p(c.curl_easy_init())
c.curl_easy_setopt(h, 10002, ctypes.c_char_p(sys.argv[2].encode()))
c.curl_easy_setopt(h, 10065, ctypes.c_char_p(sys.argv[1].encode()))
c.curl_easy_setopt(h, 13, ctypes.c_long(8))
code = c.curl_easy_perform(h)
print(code, c.curl_easy_strerror(code).decode())
sys.exit(code)
"""

PYTHON = """import ssl, sys, urllib.request
c = ssl.create_default_context(cafile=sys.argv[1])
assert c.verify_flags & ssl.VERIFY_X509_STRICT
print(urllib.request.urlopen(sys.argv[2], timeout=8, context=c).read())
"""


class Others:
    """How each is made to ask for a URL: a command line, and its environment."""

    def __init__(self, folder, trust):
        self.folder, self.trust = folder, trust

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def java(self, url):
        return ["java", "-Djava.net.preferIPv6Addresses=true",
                self.write("Client.java", JAVA), self.trust, url]

    def go(self, url):
        program = os.path.join(self.folder, "client")
        if not os.path.exists(program):
            run("env", "GOCACHE=" + self.folder + "/gocache", "GO111MODULE=off",
                "HOME=" + self.folder, "go", "build", "-o", program,
                self.write("client.go", GO))
        return [program, self.trust, url]

    def node(self, url):
        return ["env", "NODE_EXTRA_CA_CERTS=" + self.trust, "node", "-e", NODE,
                url]

    def wget(self, url):
        return ["wget", "-qO-", "--tries=1", "--timeout=8",
                "--ca-certificate=" + self.trust, url]

    def curl_gnutls(self, url):
        return [sys.executable, "-c", CURL, self.trust, url]

    def python(self, url):
        return [CLIENTS["python"], "-c", PYTHON, self.trust, url]

    def _nss(self, folder):
        os.makedirs(folder, exist_ok=True)
        if not os.path.exists(folder + "/cert9.db"):
            run("certutil", "-N", "-d", "sql:" + folder, "--empty-password")
            with open(self.trust, encoding="ascii") as file:
                parts = file.read().split("-----BEGIN CERTIFICATE-----")[1:]
            for n, part in enumerate(parts):
                path = self.write("nss.pem", "-----BEGIN CERTIFICATE-----" +
                                  part)
                run("certutil", "-A", "-d", "sql:" + folder, "-n", "c%d" % n,
                    "-t", "C,,", "-i", path)
        return folder

    def chromium(self, url):
        home = os.path.join(self.folder, "home")
        self._nss(home + "/.pki/nssdb")
        return ["env", "HOME=" + home, "chromium", "--headless",
                "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--user-data-dir=" + home + "/chromium", "--no-first-run",
                "--disable-background-networking", "--disable-sync",
                "--disable-component-update", "--virtual-time-budget=4000",
                "--dump-dom", url]

    def firefox(self, url):
        profile = self._nss(os.path.join(self.folder, "profile"))
        with open(profile + "/user.js", "w", encoding="ascii") as file:
            for key, value in (("network.captive-portal-service.enabled", 0),
                               ("network.connectivity-service.enabled", 0),
                               ("browser.safebrowsing.update.enabled", 0),
                               ("app.normandy.enabled", 0),
                               ("security.OCSP.enabled", 0)):
                file.write('user_pref("%s", %s);\n' % (
                    key, "false" if value == 0 and "OCSP" not in key
                    else value))
        return ["env", "HOME=" + self.folder, "firefox-esr", "--headless",
                "--profile", profile, "--screenshot",
                os.path.join(self.folder, "shot.png"), url]


CLIENTS = {"java": "java", "go": "go", "node": "node", "wget": "wget",
           "python": os.environ.get("PYTHON313", "python3.13"),
           "curl-gnutls": "curl", "chromium": "chromium",
           "firefox": "firefox-esr"}


def ask(stage, command, resolv, limit):
    """Run it in the guest with the guest's resolver; what it says."""
    inner = ["unshare", "--mount", "sh", "-c",
             "mount --bind %s /etc/resolv.conf && exec \"$@\"" % resolv, "sh",
             "timeout", "-k", "2", str(limit)] + command
    with stage.guest:
        done = subprocess.run(inner, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False,
                              stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout


def nginx_seen(stage):
    """How many requests nginx has answered."""
    with open(stage.pki.folder + "/nginx.log", encoding="ascii") as file:
        return len(file.readlines())


def check(stage, t, name, command, resolv, browser):
    for host, good in (
            ("api.example.com", True),
            ("nginx.example.com", True),
            ("h1.example.com", True),
            ("skip.example.org", True),
            ("ads.example", False),
            ("expired.example.com", False)):
        stage.servers.take()
        before = nginx_seen(stage)
        start = time.monotonic()
        status, said = ask(stage, command("https://%s/" % host), resolv,
                           (25 if good else 12) if browser else 12)
        took = time.monotonic() - start
        time.sleep(0.1)
        seen = [s for s in stage.servers.take() if s.sni == host]
        got = any(s.request for s in seen)
        if host == "nginx.example.com":
            got = nginx_seen(stage) > before
        print("  %-12s %-20s %5.1f s, exit %d, %s %s" % (
            name, host, took, status, "answered" if got else "no answer",
            [(s.alpn, s.version) for s in seen]), flush=True)
        t.check("%s: %s" % (name, host), got == good and (
            browser or (status == 0) == good), said[-600:])
        # A browser stays with its page that says what is wrong.
        t.check("%s: %s, in time" % (name, host), browser or took < 10, took)


def scan(stage, t):
    """What can be got from the side that the guest sees: by sslscan, and by
    openssl, cipher by cipher, as sslscan's first words in TLS 1.2 are more than
    ours listens to."""
    t.test = "scan"
    for host in ("api.example.com", "tls12.example.com"):
        role = host.split(".")[0].replace("api", "shared")
        target = "%s:443" % address(role, 4)
        # Every other time its key is one that X25519 does not have.
        for _ in range(10):
            _, text, _ = clients.run_in(stage.guest, [
                "sslscan", "--no-colour", "--sni-name=" + host, target],
                limit=120)
            if re.search("^TLSv1.3 +enabled", text, re.M):
                break
        print(text)
        on = set(re.findall(r"^(\S+) +enabled$", text, re.M))
        t.check("nothing before TLS 1.2", on and on <= {"TLSv1.2", "TLSv1.3"},
                on)
        ciphers = re.findall(r"^(?:Preferred|Accepted) +(\S+) +\d+ bits +(\S+)",
                             text, re.M)
        t.check("ciphers are listed", len(ciphers) >= 3, ciphers)
        weak = re.findall(r"^TLSv1\.\d +(\d+) bits +(\S+)", text, re.M)
        weak = [g for bits, g in weak if int(bits) < 128]
        t.check("no weak group", not weak, weak)
        t.check("no renegotiation, no compression",
                "Session renegotiation not supported" in text and
                "Compression enabled" not in text)
        for version in ("1.3", "1.2", "1.1", "1"):
            ciphers += [("TLSv" + version, c) for c in accepted(
                stage, host, target, version)]
        for version, cipher in sorted(set(ciphers)):
            print("  %s %s" % (version, cipher))
            t.check("%s %s" % (version, cipher), version in (
                "TLSv1.2", "TLSv1.3") and re.match(
                r"TLS_(AES|CHACHA20)|ECDHE-ECDSA-(AES\d+-GCM|CHACHA20)",
                cipher))
        t.check("TLS 1.2 and 1.3 are there", {v for v, _ in ciphers} == {
            "TLSv1.2", "TLSv1.3"}, ciphers)


def accepted(stage, host, target, version):
    """What openssl gets, one cipher after the other."""
    option = {"1.3": "-ciphersuites"}.get(version, "-cipher")
    listed = run("openssl", "ciphers", "-s", "-tls1_3" if version == "1.3" else
                 "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0").strip()
    found = []
    for cipher in listed.split(":"):
        if cipher.startswith("TLS_") != (version == "1.3"):
            continue
        status, out, _ = clients.run_in(stage.guest, [
            "openssl", "s_client", "-connect", target, "-servername", host,
            "-tls" + version.replace(".", "_"), option, cipher +
            (":@SECLEVEL=0" if version != "1.3" else "")], limit=10)
        if status == 0 and re.search("Cipher is " + cipher, out):
            found.append(cipher)
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--only", default="")
    parser.add_argument("--direct", action="store_true",
                        help="the laboratory alone, without a sandbox")
    args = parser.parse_args()
    enter_laboratory()
    t = Report()
    with tempfile.TemporaryDirectory(prefix="msb-clients-") as scratch:
        os.chmod(scratch, 0o755)
        m = Machine(os.path.abspath(args.program), scratch)
        stage = table.Stage(m, t)
        try:
            stage.guest.run("ip", "link", "set", "lo", "up")
            server, ca = GATEWAY, STATE + "/ca/ca.pem"
            if args.direct:
                table.link(stage)
                server, ca = NAME_SERVER, stage.own_ca.path
            else:
                stage.up({"DefaultEgress": "allow",
                          "DenyDomains": ["ads.example"],
                          "TLS": {"UpstreamCACerts": [stage.pki.root.path],
                                  "Bypass": ["skip.example.org"]}})
            # A client that is spliced believes the test's root.
            others = Others(scratch, stage.pki.bundle(
                "others.pem", ca, stage.pki.root.path))
            resolv = others.write("resolv.conf", "nameserver %s\n" % server)
            for name, program in CLIENTS.items():
                if args.only and name not in args.only.split(","):
                    continue
                if not shutil.which(program):
                    print("%s: not installed" % name)
                    continue
                t.test = name
                check(stage, t, name, getattr(
                    others, name.replace("-", "_")), resolv,
                    name in ("chromium", "firefox"))
            if (not args.only or "sslscan" in args.only) and \
                    shutil.which("sslscan"):
                scan(stage, t)
        finally:
            stage.close()
    print("%d passed, %d failed" % (t.passed, t.failed))
    sys.exit(1 if t.failed or not t.passed else 0)


if __name__ == "__main__":
    main()
