# SPDX-License-Identifier: GPL-2.0-or-later
"""forge.py - Servers of others, that let in who has the value: nginx, and git.

At port 443 nginx compares a header, asks for Basic credentials, and has a
repository as files; at port 8443 git's own http-backend serves it, and takes what
is pushed. Whoever has no value is answered 401 or 403.
"""
import base64
import os
import socket
import ssl
import subprocess
import threading

from lab import run
from machine import wait_for
from tls.world import address

from .tapes import Reader, Request, bodies

NGINX = "/usr/sbin/nginx"
BACKEND = "/usr/lib/git-core/git-http-backend"
CONFIG = """daemon off;
master_process off;
worker_processes 1;
pid %(dir)s/nginx.pid;
error_log %(dir)s/nginx-error.log warn;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path %(dir)s;
  proxy_temp_path %(dir)s;
  fastcgi_temp_path %(dir)s;
  uwsgi_temp_path %(dir)s;
  scgi_temp_path %(dir)s;
  # A value may be long.
  large_client_header_buffers 4 64k;
  server {
    listen %(four)s:443 ssl http2 reuseport;
    listen [%(six)s]:443 ssl http2 reuseport;
    ssl_certificate %(chain)s;
    ssl_certificate_key %(key)s;
    root %(dir)s/files;
    location = /key {
      if ($http_x_api_key = "%(value)s") { return 200 "let in over $server_protocol\\n"; }
      return 403;
    }
    location = /bearer {
      if ($http_authorization = "Bearer %(value)s") { return 200 "let in over $server_protocol\\n"; }
      return 403;
    }
    location /basic/ {
      auth_basic "forge";
      auth_basic_user_file %(dir)s/users;
    }
    location / { return 404; }
  }
}
"""


class Forge:
    """nginx and a server of git, with a repository that has one file."""

    def __init__(self, namespace, pki, folder, value):
        self.folder, self.value, self.closed = folder, value, False
        self.asked = []
        os.makedirs(folder + "/files/basic", exist_ok=True)
        os.chmod(folder, 0o755)
        self._repository(folder + "/files/basic/repo.git")
        self._write("files/basic/hello", "let in\n")
        self._write("users", "user:{PLAIN}%s\n" % value)
        good = pki.certificates["good"]
        self._write("nginx.conf", CONFIG % {
            "dir": folder, "four": address("forge", 4),
            "six": address("forge", 6), "chain": good.chain, "key": good.key,
            "value": value})
        with namespace:
            self.nginx = subprocess.Popen(
                [NGINX, "-c", folder + "/nginx.conf", "-p", folder],
                stderr=subprocess.PIPE)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(good.chain, good.key)
        self.listener = namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.listener.bind((address("forge", 4), 8443))
        self.listener.listen(32)
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        if not wait_for(lambda: os.path.exists(folder + "/nginx.pid")):
            raise RuntimeError("nginx: %s" % self.nginx.stderr.read())

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w",
                  encoding="utf-8") as file:
            file.write(text)

    def _repository(self, path):
        work = self.folder + "/work"
        as_us = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        run("git", "init", "-q", "-b", "main", work)
        self._write("work/file", "what is in it\n" * 1000)
        run("git", "-C", work, "add", "file")
        run("git", "-C", work, *as_us, "commit", "-qm", "first")
        run("git", "clone", "-q", "--bare", work, path)
        run("git", "-C", path, "update-server-info")
        run("git", "-C", path, "config", "http.receivepack", "true")

    def _accept(self):
        while not self.closed:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,),
                             daemon=True).start()

    def _serve(self, sock):
        sock.settimeout(20)
        try:
            with sock, self.context.wrap_socket(sock, server_side=True) as tls:
                reader = Reader(tls)
                while self._answer(tls, reader):
                    pass
        except (OSError, ValueError, EOFError):
            pass

    def _answer(self, tls, reader):
        """One request by way of git http-backend (RFC 3875)."""
        request = Request(reader.until(b"\r\n\r\n"))
        if request.field(b"expect"):
            tls.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b"".join(bodies(reader, request))
        self.asked.append(request)
        right = base64.b64encode(b"user:" + self.value.encode())
        if request.field(b"authorization") != b"Basic " + right:
            tls.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"
                        b"WWW-Authenticate: Basic realm=\"forge\"\r\n\r\n")
            return True
        path, _, query = request.target.decode().partition("?")
        done = subprocess.run([BACKEND], input=body, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, env={
            "PATH": os.environ["PATH"], "HOME": self.folder,
            "GIT_PROJECT_ROOT": self.folder + "/files/basic",
            "GIT_HTTP_EXPORT_ALL": "1", "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
            "REQUEST_METHOD": request.method.decode(), "PATH_INFO": path,
            "QUERY_STRING": query, "REMOTE_USER": "user",
            "CONTENT_TYPE": request.field(b"content-type").decode(),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING":
                request.field(b"content-encoding").decode(),
            "GIT_PROTOCOL": request.field(b"git-protocol").decode(),
            "REMOTE_ADDR": "192.0.2.1"})
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        status = b"200 OK"
        fields = []
        for line in head.split(b"\r\n"):
            name, _, text = line.partition(b": ")
            if name.lower() == b"status":
                status = text
            else:
                fields.append(line + b"\r\n")
        tls.sendall(b"HTTP/1.1 " + status + b"\r\n" + b"".join(fields) +
                    b"Content-Length: %d\r\n\r\n" % len(rest) + rest)
        return True

    def close(self):
        self.closed = True
        self.nginx.terminate()
        self.nginx.communicate()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.listener.close()
