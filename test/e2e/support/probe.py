"""What answers from inside a sandbox: [[kind, host, port], ...] as its argument, a list of what came back as JSON.
What the kernel refuses to send is told by the error's name; silence is an empty text."""
import errno, json, socket, sys
from concurrent.futures import ThreadPoolExecutor

SECONDS = 1


def ask(target):
    kind, host, port = target
    try:
        return kinds[kind](host, port)
    except TimeoutError:
        return ""
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))


def tcp(host, port):
    with socket.create_connection((host, port), SECONDS) as there:
        return there.recv(100).decode()


def udp(host, port):
    return datagram(host, port, socket.SOCK_DGRAM, 0, b"hello")


def ping(host, _):
    return datagram(host, 0, socket.SOCK_DGRAM, socket.IPPROTO_ICMP, bytes([8, 0, 0xF7, 0xFF, 0, 0, 0, 0]))


def raw(host, port):
    return datagram(host, port, socket.SOCK_RAW, socket.IPPROTO_UDP, b"hello")


def packet(*_):
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)
    return "made"


def datagram(host, port, kind, protocol, data):
    family, _, _, _, address = socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as there:
        there.settimeout(SECONDS)
        there.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        there.sendto(data, address)
        return there.recv(100).decode(errors="replace") or "answer"


kinds = {"tcp": tcp, "udp": udp, "ping": ping, "raw": raw, "packet": packet}
targets = json.loads(sys.argv[1])
with ThreadPoolExecutor(len(targets)) as all_at_once:
    print(json.dumps(list(all_at_once.map(ask, targets))))
