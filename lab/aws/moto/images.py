"""Public images that moto does not know: Debian's and Canonical's SSM parameters and the AMIs they name."""

import hashlib
from collections import defaultdict

from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ssm.models import Parameter, ParameterDict, ssm_backends

ACCOUNT = "123456789012"
DEBIAN, CANONICAL = "136693071363", "099720109477"
# parameter suffix -> the architecture as EC2 calls it
ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}


def public_parameters():
    """Yields (parameter name, owner account, image name, architecture, root device)."""
    for arch, ec2_arch in ARCHITECTURES.items():
        for release in ("12", "13"):
            parameter = f"/aws/service/debian/release/{release}/latest/{arch}"
            yield parameter, DEBIAN, f"debian-{release}-{arch}", ec2_arch, "/dev/xvda"
        for release in ("22.04", "24.04"):
            parameter = f"/aws/service/canonical/ubuntu/server/{release}/stable/current/{arch}/hvm/ebs-gp3/ami-id"
            yield parameter, CANONICAL, f"ubuntu/images/hvm-ssd-gp3/ubuntu-{release}-{arch}-server", ec2_arch, "/dev/sda1"


def image_id(region, parameter, serial):
    """The same image has the same id in every run, and another one in every region, as AWS has it."""
    return "ami-" + hashlib.sha256(f"{region} {parameter} {serial}".encode()).hexdigest()[:17]


def register(backend, parameter, serial):
    _, owner, name, architecture, root = next(row for row in public_parameters() if row[0] == parameter)
    ami = image_id(backend.region_name, parameter, serial)
    backend.amis[ami] = Ami(
        backend,
        ami,
        name=f"{name}-{serial}",
        owner_id=owner,
        public=True,
        architecture=architecture,
        root_device_name=root,
        root_device_type="ebs",
        virtualization_type="hvm",
        hypervisor="xen",
        image_location=f"{owner}/{name}-{serial}",
        boot_mode="uefi" if architecture == "arm64" else "uefi-preferred",
    )
    return ami


def publish(parameters, parameter, ami):
    versions = defaultdict.__getitem__(parameters, parameter)
    versions.append(
        Parameter(
            account_id=ACCOUNT,
            name=parameter,
            value=ami,
            parameter_type="String",
            description=None,
            allowed_pattern=None,
            keyid=None,
            last_modified_date=utcnow().timestamp(),
            version=len(versions) + 1,
            data_type="aws:ec2:image",
        )
    )
    return len(versions)


def release(region, parameter):
    """Moves a public parameter to a newer image of the same system. KeyError for an unknown parameter."""
    parameters = ssm_backends[ACCOUNT][region]._parameters
    if all(parameter != row[0] for row in public_parameters()):
        raise KeyError(parameter)
    serial = len(parameters[parameter]) + 1
    ami = register(ec2_backends[ACCOUNT][region], parameter, serial)
    publish(parameters, parameter, ami)
    return ami


def install():
    load_amis, check_loading = AmiBackend._load_amis, ParameterDict._check_loading_status

    def load_amis_and_ours(self):
        load_amis(self)
        for row in public_parameters():
            register(self, row[0], 1)

    def check_loading_and_ours(self, key):
        check_loading(self, key)
        if str(key or "").startswith(("/aws/service/debian", "/aws/service/canonical")) and not getattr(self, "lab", False):
            self.lab = True
            for row in public_parameters():
                publish(self, row[0], image_id(self.region_name, row[0], 1))

    AmiBackend._load_amis = load_amis_and_ours
    ParameterDict._check_loading_status = check_loading_and_ours
