"""moto's server with the rules of ec2_rules.py and the images of images.py.

    python serve.py PORT            # 0: any free port of 127.0.0.1

Prints `READY http://127.0.0.1:PORT` once it serves, and ends when its standard input closes, so that it cannot outlive
the process that started it. Beside the AWS API it answers POST /lab/ami?region=R&parameter=P: a newer image is
released, which is what makes "a new AMI must not replace a running relay" testable.
"""

import json
import os
import sys
import threading
from urllib.parse import parse_qs

# moto reads these when it is imported. Without the first three it takes any image, key pair and instance type; without
# the last, IAM has none of Amazon's own policies.
for name in (
    "MOTO_ENABLE_AMI_VALIDATION",
    "MOTO_ENABLE_KEYPAIR_VALIDATION",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION",
    "MOTO_IAM_LOAD_MANAGED_POLICIES",
):
    os.environ[name] = "true"

from moto.moto_server.werkzeug_app import (  # noqa: E402
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server  # noqa: E402

import ec2_rules  # noqa: E402
import images  # noqa: E402


def with_lab_paths(app):
    """The AWS API plus the lab's own control path."""

    def serve(environ, start_response):
        if environ["PATH_INFO"] != "/lab/ami":
            return app(environ, start_response)
        query = parse_qs(environ["QUERY_STRING"])
        try:
            status, body = "200 OK", {"imageId": images.release(query["region"][0], query["parameter"][0])}
        except KeyError as problem:
            status, body = "400 Bad Request", {"message": f"unknown: {problem}"}
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(body).encode()]

    return serve


def exit_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    ec2_rules.install()
    images.install()
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        "127.0.0.1", int(sys.argv[1]), with_lab_paths(app), threaded=True, request_handler=MotoRequestHandler
    )
    # moto builds links to itself (and its dashboard) from this.
    os.environ["MOTO_PORT"] = str(server.port)
    threading.Thread(target=exit_with_parent, daemon=True).start()
    print(f"READY http://127.0.0.1:{server.port}", flush=True)
    server.serve_forever()


main()
