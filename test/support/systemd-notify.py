#!/usr/bin/env python3
"""A stand-in for systemd-notify(1) where systemd is not installed: what Breakwater uses of it, assignments alone."""

import os
import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
    manager.sendto('\n'.join(sys.argv[1:]).encode(), os.environ['NOTIFY_SOCKET'])
