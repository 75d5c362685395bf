"""An HTTPS server on the loopback for a test: a certificate of its own for `panel.example`, signed
by nobody else, written to DIR/ca.pem. Prints its port; ends with its standard input.

tls_server.py DIR
"""

import http.server
import ssl
import subprocess
import sys
import threading

folder = sys.argv[1]
subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
     "-nodes", "-days", "2", "-subj", "/CN=panel.example", "-addext",
     "subjectAltName=DNS:panel.example", "-keyout", f"{folder}/key.pem", "-out",
     f"{folder}/ca.pem"],
    check=True, stderr=subprocess.DEVNULL)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"fine")

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a client that does not trust us hangs up


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{folder}/ca.pem", f"{folder}/key.pem")
server = Server(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
