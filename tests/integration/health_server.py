"""A small HTTP server for tests of probes: health_server.py PORT FOLDER [HOST].

It begins to listen once FOLDER/go exists. What it answers is the status in FOLDER/answer, 200
without that file; "leak" there makes it open files until it has no descriptor left to answer with, and
"exit N" end with that status. It says "started" once it listens."""
import http.server
import os
import sys
import time

port, folder = int(sys.argv[1]), sys.argv[2]
host = sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1"
leaked = []


def command():
    try:
        with open(f"{folder}/answer", encoding="ascii") as f:
            return f.read().split()
    except FileNotFoundError:
        return []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        words = command() or ["200"]
        if words[0] == "exit":
            os._exit(int(words[1]))
        while words[0] == "leak":  # until it can open none any more
            leaked.append(os.open("/dev/null", os.O_RDONLY))
        self.send_response(int(words[0]) if words[0].isdigit() else 200)
        self.end_headers()
        self.wfile.write(b"well\n")

    def log_message(self, *_):
        pass


while not os.path.exists(f"{folder}/go"):
    time.sleep(0.02)
server = http.server.HTTPServer((host, port), Handler)
print("started", flush=True)
while True:
    try:
        server.handle_request()
    except OSError as e:
        print(e, file=sys.stderr, flush=True)
        time.sleep(0.1)
