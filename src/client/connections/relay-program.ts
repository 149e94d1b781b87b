/**
 * Connects to a port inside and carries it over a command's own streams, for services that cannot: `sh -c` takes it
 * with the port and the seconds that connecting may take behind it. It says `F` once it is connected, and then the
 * length (u32, big endian) before each piece, 0 at the end; or `R`, where there is no Python, and the bytes as they are.
 */
export const relayProgram = `
if command -v python3 >/dev/null 2>&1; then exec python3 -c "$3" "$1" "$2"; fi
command -v bash >/dev/null 2>&1 || exit 6
exec bash -c '
{ exec 3<>"/dev/tcp/127.0.0.1/$0"; } 2>/dev/null || exit 3
printf R
exec 4<&0
cat <&4 >&3 &
cat <&3
kill $! 2>/dev/null
exit 0' "$1"
`;

export const pythonRelay = `
import os, socket, sys, threading
port, seconds = int(sys.argv[1]), float(sys.argv[2])
peer = None
for host in ("127.0.0.1", "::1"):
    try:
        peer = socket.create_connection((host, port), seconds)
        break
    except TimeoutError:
        sys.exit(4)
    except OSError:
        pass
if peer is None:
    sys.exit(3)
peer.settimeout(None)
peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
def put(data):
    while data:
        data = data[os.write(1, data):]
def up():
    try:
        while data := os.read(0, 65536):
            peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
    except OSError:
        os._exit(5)
sender = threading.Thread(target=up, daemon=True)
put(b"F")
sender.start()
try:
    while True:
        data = peer.recv(65536)
        put(len(data).to_bytes(4, "big") + data)
        if not data:
            break
except OSError:
    os._exit(5)
sender.join()
`;

/** What its exit codes mean. */
export const relayExits = { refused: 3, timeout: 4, reset: 5, noRelay: 6 } as const;
