"""What systemd does for a service, as far as tests need it: sockets that it opens and keeps, and what it is told.

service-manager.py FOLDER [NAME=HOST:PORT ...] -- COMMAND

Opens the sockets, hands them over (sd_listen_fds(3)) and starts the command again when it fails, at most three times. FOLDER/pid is the
process that runs, FOLDER/notify the datagram socket of sd_notify(3), FOLDER/told what came there, a line of JSON for each datagram.
GATEWAY_PATH is the search path of
the command where that is another one. SIGTERM, SIGHUP and SIGUSR2 go to the command.
"""

import json
import os
import signal
import socket
import sys
import threading

folder = sys.argv[1]
split = sys.argv.index('--')
command = sys.argv[split + 1 :]
names, sockets = [], []
for spec in sys.argv[2:split]:
    name, address = spec.split('=')
    host, port = address.rsplit(':', 1)
    listener = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, int(port)))
    listener.listen(128)
    names.append(name)
    # Out of the way of the places that the child has them at.
    sockets.append(os.dup2(listener.detach(), 100 + len(sockets), inheritable=False))

notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notified.bind(os.path.join(folder, 'notify'))


def hear():
    with open(os.path.join(folder, 'told'), 'a') as told:
        while True:
            told.write(json.dumps(notified.recv(65536).decode()) + '\n')
            told.flush()


threading.Thread(target=hear, daemon=True).start()
child = 0


def pass_on(number, _frame):
    if child:
        os.kill(child, number)


for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2):
    signal.signal(number, pass_on)

code = 1
for _ in range(3):
    child = os.fork()
    if child == 0:
        for place, listener in enumerate(sockets):
            os.dup2(listener, 3 + place)
        environment = dict(os.environ, NOTIFY_SOCKET=os.path.join(folder, 'notify'))
        environment['PATH'] = environment.pop('GATEWAY_PATH', environment['PATH'])
        if sockets:
            environment.update(
                LISTEN_FDS=str(len(sockets)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=':'.join(names)
            )
        os.execvpe(command[0], command, environment)
    with open(os.path.join(folder, 'pid'), 'w') as pid:
        pid.write(str(child))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 0 or code in (2, 6):
        break
sys.exit(code if code >= 0 else 1)
