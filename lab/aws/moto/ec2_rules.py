"""EC2 rules that moto 5.2.5 lacks or has wrong, as patches of its classes.

Each function below is one rule; `install()` applies all of them. Error codes are AWS's own. Where the wording of a
message was not seen on AWS, the rule says so.
"""

import functools
import inspect
import ipaddress
import itertools
import os
import random

from moto.core.types import Base64EncodedString
from moto.ec2.exceptions import DependencyViolationError, EC2ClientError, InvalidSecurityGroupNotFoundError
from moto.ec2.models import EC2Backend
from moto.ec2.models import (
    elastic_ip_addresses,
    elastic_network_interfaces,
    instances,
    internet_gateways,
    security_groups,
    subnets,
    vpcs,
)
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.responses import instances as instance_responses

USER_DATA_LIMIT = 16384
# Elastic IPs are handed out from the documentation range, where the lab's internet has its relays, and never twice in a
# row: a program that confuses an old address with a new one is caught.
ELASTIC_IPS = [str(ip) for ip in ipaddress.ip_network("203.0.113.0/24").hosts() if int(ip) & 0xFF >= 30]
EIP_QUOTA = int(os.environ.get("PEER_RELAY_LAB_EIP_QUOTA", "5"))


def fail(code, message):
    raise EC2ClientError(code, message)


def wrap(cls, name):
    """Decorator: the function takes a method's place; it gets that method first, and all arguments by name."""

    def decorate(rule):
        original = getattr(cls, name)
        signature = inspect.signature(original)

        @functools.wraps(original)
        def patched(self, *args, **kwargs):
            named = signature.bind(self, *args, **kwargs).arguments
            named.pop("self")
            named.update(named.pop("kwargs", {}))
            return rule(original, self, **named)

        setattr(cls, name, patched)

    return decorate


def user_data_rules():
    """16 KB limit; ModifyInstanceAttribute takes correct base64 (moto decodes it twice) and needs a stopped instance."""

    def check_size(data):
        if data is not None and len(data) > USER_DATA_LIMIT:
            fail("InvalidParameterValue", f"User data is limited to {USER_DATA_LIMIT} bytes")

    @wrap(instances.InstanceBackend, "run_instances")
    def run_instances(original, self, user_data, **others):
        if user_data is not None:
            check_size(user_data.decode("latin-1"))
        return original(self, user_data=user_data, **others)

    @wrap(instance_responses.InstanceResponse, "_dot_value_instance_attribute_handler")
    def modify(original, self):
        needs_stop = [key for key in ("UserData", "InstanceType") if self._get_param(f"{key}.Value") is not None]
        if needs_stop:
            instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
            if instance.state != "stopped":
                fail("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state.")
        if needs_stop != ["UserData"]:
            return original(self)
        raw = self._get_param("UserData.Value")
        raw = raw if isinstance(raw, bytes) else raw.encode()
        check_size(raw)
        self.error_on_dryrun()
        instance.user_data = Base64EncodedString.from_raw_bytes(raw) if raw else None
        return True


def launch_rules():
    """Image and type of one architecture; addresses of the subnet; the primary interface goes with its VM."""

    @wrap(instances.InstanceBackend, "run_instances")
    def run_instances(original, self, image_id, **kwargs):
        image = self.amis.get(image_id)
        known = INSTANCE_TYPES.get(kwargs.get("instance_type"))
        if known is None and not kwargs.get("is_instance_type_default"):
            fail("InvalidParameterValue", f"Invalid value '{kwargs['instance_type']}' for InstanceType.")
        if image is not None and known is not None and not kwargs.get("is_instance_type_default"):
            offered = known["ProcessorInfo"]["SupportedArchitectures"]
            if image.architecture not in offered:
                fail(
                    "InvalidParameterValue",
                    f"The architecture '{','.join(offered)}' of the specified instance type does not match the "
                    f"architecture '{image.architecture}' of the specified AMI. Specify an instance type and an AMI "
                    "that have matching architectures, and try again. You can use 'describe-instance-types' or "
                    "'describe-images' to discover the architecture of the instance type or AMI.",
                )
        if kwargs.get("subnet_id"):
            subnet = self.get_subnet(kwargs["subnet_id"])
            if kwargs.get("ipv6_address_count") and not subnet.ipv6_cidr_block_associations:
                # Code as on AWS, wording ours.
                fail("InvalidParameterValue", f"The subnet '{subnet.id}' has no IPv6 CIDR block associated with it.")
            if kwargs.get("ipv6_address_count") is None and subnet.assign_ipv6_address_on_creation:
                kwargs["ipv6_address_count"] = 1
        return original(self, image_id=image_id, **kwargs)

    @wrap(instances.Instance, "prep_nics")
    def prep_nics(original, self, nic_spec, private_ip=None, **others):
        made_here = all("NetworkInterfaceId" not in nic for nic in nic_spec)
        if not (self._subnet_id or nic_spec or private_ip):
            # moto launches into the default subnet, with an address from anywhere.
            default_subnet = self.ec2_backend.get_default_subnets().get(self._placement.zone)
            private_ip = default_subnet and default_subnet.get_available_subnet_ip(instance=self)
        original(self, nic_spec, private_ip=private_ip, **others)
        if made_here:
            self.nics[0].delete_on_termination = True

    @wrap(instances.InstanceBackend, "modify_instance_security_groups")
    def modify_groups(original, self, instance_id, new_group_id_list):
        for group_id in new_group_id_list:
            if self.get_security_group_from_id(group_id) is None:
                raise InvalidSecurityGroupNotFoundError(group_id)
        instance = original(self, instance_id, new_group_id_list)
        instance.nics[0]._group_set = list(instance.security_groups)
        return instance

    @wrap(instances.InstanceBackend, "modify_instance_metadata_options")
    def modify_metadata_options(original, self, instance_id, **kwargs):
        before = self.get_instance(instance_id).metadata_options
        keep = {
            "http_tokens": before.http_tokens,
            "hop_limit": before.http_put_response_hop_limit,
            "http_endpoint": before.http_endpoint,
            "http_protocol": before.http_protocol_ipv6,
            "metadata_tags": before.instance_metadata_tags,
        }
        given = {key: value for key, value in kwargs.items() if value is not None}
        return original(self, instance_id, **{**keep, **given})


def elastic_ip_rules():
    """Addresses, quota, re-association, an internet gateway is needed, and no release while associated."""
    addresses = itertools.cycle(ELASTIC_IPS)

    @wrap(elastic_ip_addresses.ElasticAddressBackend, "allocate_address")
    def allocate(original, self, domain, address=None, tags=None):
        if len(self.addresses) >= EIP_QUOTA:
            fail("AddressLimitExceeded", "The maximum number of addresses has been reached.")
        return original(self, domain, address or next(addresses), tags)

    @wrap(elastic_ip_addresses.ElasticAddressBackend, "associate_address")
    def associate(original, self, instance=None, eni=None, reassociate=False, **kwargs):
        eni = eni or (instance.nics[0] if instance else None)
        if instance and instance.state not in ("running", "stopped"):
            fail("InvalidInstanceID", f"The pending-instance-creation instance '{instance.id}' is not in a valid state.")
        gateways = [gateway.vpc.id for gateway in self.internet_gateways.values() if gateway.vpc]
        if eni and eni.vpc_id not in gateways:
            fail("Gateway.NotAttached", f"Network {eni.vpc_id} is not attached to any internet gateway")
        for other in [address for address in self.addresses if eni and address.eni is eni]:
            if other.allocation_id != kwargs.get("allocation_id"):
                self.disassociate_address(association_id=other.association_id)
        # In a VPC an address moves by itself unless AllowReassociation=false is sent, which moto cannot tell from
        # nothing sent; the old interface loses the address first.
        wanted = kwargs.get("allocation_id")
        for address in self.addresses:
            if address.allocation_id == wanted and address.eni and address.eni is not eni:
                self.disassociate_address(association_id=address.association_id)
        return original(self, instance=instance, eni=eni, reassociate=reassociate, **kwargs)

    @wrap(elastic_ip_addresses.ElasticAddressBackend, "release_address")
    def release(original, self, address=None, allocation_id=None):
        found = self.address_by_ip([address]) if address else self.address_by_allocation([allocation_id])
        if found[0].association_id:
            fail("InvalidIPAddress.InUse", f"Address {found[0].public_ip} is in use.")
        self.addresses.remove(found[0])

    def has_elastic_ip(eni):
        return any(address.eni is eni for address in eni.ec2_backend.addresses)

    def only_lent_addresses(original, self):
        """A stop and a start change the address that AWS lent, never an Elastic IP."""
        if not has_elastic_ip(self):
            original(self)

    wrap(elastic_network_interfaces.NetworkInterface, "stop")(only_lent_addresses)
    wrap(elastic_network_interfaces.NetworkInterface, "start")(only_lent_addresses)

    @wrap(instances.Instance, "terminate")
    def terminate(original, self):
        mine = [address for address in self.ec2_backend.addresses if address.eni in self.nics.values()]
        previous = original(self)
        for address in mine:
            address.eni.public_ip = None
            address.instance = address.eni = address.association_id = None
        return previous


def security_group_rules():
    """DependencyViolation while in use or referenced; ports, protocols, names and VPC are checked."""

    @wrap(security_groups.SecurityGroupBackend, "delete_security_group")
    def delete(original, self, name=None, group_id=None):
        group = self.get_security_group_by_name_or_id(group_id or name)
        if group is not None:
            if group.is_default and group.vpc_id in self.vpcs and not getattr(self, "deleting_vpc", False):
                fail("CannotDelete", f"the specified group: \"{group.id}\" name: \"default\" cannot be deleted by a user")
            used = any(group in eni.group_set for eni in self.enis.values())
            others = [other for by_id in self.groups.values() for other in by_id.values() if other is not group]
            rules = [rule for other in others for rule in other.ingress_rules + other.egress_rules]
            if used or any(rule.source_group.get("GroupId") == group.id for rule in rules):
                raise DependencyViolationError(f"resource {group.id} has a dependent object")
        return original(self, name=name, group_id=group_id)

    @wrap(security_groups.SecurityGroupBackend, "create_security_group")
    def create(original, self, name, vpc_id=None, **others):
        if name.startswith("sg-"):
            fail(
                "InvalidParameterValue",
                f"Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*.",
            )
        if vpc_id and vpc_id not in self.vpcs:
            fail("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
        return original(self, name, vpc_id=vpc_id, **others)

    # DescribeSecurityGroupRules has the owner under this name only.
    security_groups.SecurityGroupRule.group_owner_id = property(lambda self: self.owner_id)

    def check_rule(original, self, ip_protocol, from_port, to_port, **others):
        protocol = str(ip_protocol)
        if protocol not in ("-1", "tcp", "udp", "icmp", "icmpv6") and not (
            protocol.isdigit() and int(protocol) <= 255
        ):
            fail("InvalidParameterValue", f"Invalid value '{protocol}' for IP protocol. Unknown protocol.")
        if protocol in ("tcp", "udp", "6", "17"):
            if from_port is None or to_port is None:
                fail("InvalidParameterValue", "Invalid value for portRange. Must specify both from and to ports with TCP/UDP.")
            for port in (int(from_port), int(to_port)):
                if not 0 <= port <= 65535:
                    fail("InvalidParameterValue", f"TCP/UDP port ({port}) out of range")
            if int(from_port) > int(to_port):
                fail("InvalidParameterValue", f"Invalid TCP/UDP port range ({from_port}:{to_port})")
        return original(self, ip_protocol=ip_protocol, from_port=from_port, to_port=to_port, **others)

    @wrap(security_groups.SecurityGroupBackend, "modify_security_group_rules")
    def modify(original, self, group_id, rules):
        original(self, group_id, rules)
        for rule_id, wanted in rules.items():
            rule = self.get_security_group_by_name_or_id(group_id).get_rule(rule_id)
            # moto takes these and leaves the rule as it was.
            if wanted.get("CidrIpv6"):
                rule.ip_range["CidrIpv6"] = wanted["CidrIpv6"]
            if wanted.get("ReferencedGroupId"):
                rule.source_group = {**rule.source_group, "GroupId": wanted["ReferencedGroupId"]}

    wrap(security_groups.SecurityGroupBackend, "authorize_security_group_ingress")(check_rule)
    wrap(security_groups.SecurityGroupBackend, "authorize_security_group_egress")(check_rule)


def network_rules():
    """What is in use cannot be deleted; IPv6 blocks; only default VPCs have default subnets."""
    # From the documentation range, as the Elastic IPs.
    vpcs.random_ipv6_cidr = lambda: f"2001:db8:{random.randrange(0xE000, 0xF000):x}:{random.randrange(1, 256):x}00::/56"

    @wrap(subnets.SubnetBackend, "create_subnet")
    def create_subnet(original, self, vpc_id, **others):
        subnet = original(self, vpc_id, **others)
        if not self.get_vpc(vpc_id).is_default:
            subnet.default_for_az = subnet.map_public_ip_on_launch = False
        return subnet

    @wrap(subnets.Subnet, "attach_ipv6_cidr_block_associations")
    def attach_ipv6(original, self, ipv6_cidr_block):
        block = ipaddress.ip_network(ipv6_cidr_block)
        for other in self.ec2_backend.describe_subnets(filters={"vpc-id": self.vpc_id}):
            for taken in other.ipv6_cidr_block_associations.values():
                if block.overlaps(ipaddress.ip_network(taken["ipv6CidrBlock"])):
                    fail("InvalidSubnet.Conflict", f"The CIDR '{ipv6_cidr_block}' conflicts with another subnet")
        return original(self, ipv6_cidr_block)

    @wrap(subnets.Subnet, "detach_subnet_cidr_block")
    def detach_ipv6(original, self, association_id):
        association = original(self, association_id)
        del self.ipv6_cidr_block_associations[association_id]
        return association

    def ipv6_blocks(self):
        """moto puts the state's structure where its name belongs."""
        return [
            {**association, "ipv6CidrBlockState": {"state": association["ipv6CidrBlockState"]["State"]}}
            for association in self.ipv6_cidr_block_associations.values()
        ]

    subnets.Subnet.ipv6_cidr_block_association_set = property(ipv6_blocks)

    @wrap(subnets.SubnetBackend, "delete_subnet")
    def delete_subnet(original, self, subnet_id):
        if any(eni.subnet.id == subnet_id for eni in self.enis.values()):
            raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
        subnet = original(self, subnet_id)
        for table in self.route_tables.values():
            kept = {key: target for key, target in table._associations.items() if target != subnet_id}
            table._associations = kept
        return subnet

    @wrap(internet_gateways.InternetGatewayBackend, "detach_internet_gateway")
    def detach(original, self, internet_gateway_id, vpc_id):
        if any(eni.vpc_id == vpc_id and eni.public_ip for eni in self.enis.values()):
            raise DependencyViolationError(
                f"Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before "
                "detaching the gateway."
            )
        return original(self, internet_gateway_id, vpc_id)

    @wrap(vpcs.VPCBackend, "delete_vpc")
    def delete_vpc(original, self, vpc_id):
        gateways = any(gateway.vpc and gateway.vpc.id == vpc_id for gateway in self.internet_gateways.values())
        groups = any(not group.is_default for group in self.groups.get(vpc_id, {}).values())
        if gateways or groups:
            raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
        self.deleting_vpc = True
        try:
            return original(self, vpc_id)
        finally:
            self.deleting_vpc = False

    @wrap(EC2Backend, "__init__")
    def init(original, self, **arguments):
        """An account's default VPC has an internet gateway and a route to it; moto's has neither."""
        original(self, **arguments)
        gateway = self.create_internet_gateway()
        self.attach_internet_gateway(gateway.id, self.default_vpc.id)
        main = next(table for table in self.route_tables.values() if table.vpc_id == self.default_vpc.id)
        self.create_route(main.id, "0.0.0.0/0", gateway_id=gateway.id)


def install():
    user_data_rules()
    launch_rules()
    elastic_ip_rules()
    security_group_rules()
    network_rules()
