#!/usr/bin/python3
"""Prints the instance's user data in base64, as version 2 of the metadata service has it; nothing when it has none."""

import base64
import urllib.error
import urllib.request

IMDS = "http://169.254.169.254/latest"
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(path, **request):
    return direct.open(urllib.request.Request(f"{IMDS}/{path}", **request), timeout=5).read()


token = ask("api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}).decode()
try:
    print(base64.b64encode(ask("user-data", headers={"X-aws-ec2-metadata-token": token})).decode())
except urllib.error.HTTPError as error:
    if error.code != 404:
        raise
