/**
 * The AWS helper on the relay host: reads one SSM parameter with the instance role's credentials, or learns where the
 * region's SSM agent package lies. Python's standard library only: cloud-init, hence every cloud image, brings it, while
 * the AWS CLI is missing on Debian. The value goes to a 0600 file, never to an argument list or to the output.
 *
 * Signature Version 4 with the session token among the signed headers; IMDSv2 only. The IMDS address can be moved by
 * AWS_EC2_METADATA_SERVICE_ENDPOINT, the variable that AWS's own SDKs read.
 */
export const awsHelper = String.raw`#!/usr/bin/python3
# peer-relay: "aws parameter NAME FILE" writes an SSM parameter's value to FILE; "aws ssm-agent" prints a URL.
import datetime, hashlib, hmac, json, os, sys, urllib.error, urllib.parse, urllib.request

IMDS = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254").rstrip("/")
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fail(text):
    sys.exit("peer-relay: error: " + " ".join(text.split()))


def imds():
    def call(path, **kw):
        return direct.open(urllib.request.Request(IMDS + "/latest/" + path, **kw), timeout=5).read().decode()

    try:
        header = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
        token = {"X-aws-ec2-metadata-token": call("api/token", method="PUT", headers=header)}
    except OSError as e:
        fail(f"the instance metadata service does not answer: {e}")
    return lambda path: call("meta-data/" + path, headers=token).strip()


def role_credentials(get):
    try:
        role = get("iam/security-credentials/").split()[0]
        return json.loads(get("iam/security-credentials/" + role))
    except (OSError, IndexError, ValueError) as e:
        fail(f"this instance has no IAM role (instance profile) to read the auth key with: {e}")


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signed_request(endpoint, region, c, target, body):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    h = {
        "content-type": "application/x-amz-json-1.1",
        "host": urllib.parse.urlsplit(endpoint).netloc,
        "x-amz-date": now,
        "x-amz-security-token": c["Token"],
        "x-amz-target": target,
    }
    names = ";".join(sorted(h))
    lines = "".join(f"{k}:{h[k]}\n" for k in sorted(h))
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{now[:8]}/{region}/ssm/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + c["SecretAccessKey"]).encode()
    for part in scope.split("/"):
        key = sign(key, part)
    mac = sign(key, text).hex()
    h["authorization"] = f"AWS4-HMAC-SHA256 Credential={c['AccessKeyId']}/{scope}, SignedHeaders={names}, Signature={mac}"
    return urllib.request.Request(endpoint + "/", data=body, headers=h, method="POST")


def explain(e, name, region):
    try:
        error = json.loads(e.read())
    except ValueError:
        error = {}
    kind = str(error.get("__type", "")).split("#")[-1] or f"HTTP {e.code}"
    message = error.get("message") or error.get("Message") or ""
    words = {
        "ParameterNotFound": f"SSM parameter {name} does not exist in {region}",
        "AccessDeniedException": f"the instance's role may not read SSM parameter {name}: {message}",
    }
    fail(words.get(kind, f"SSM parameter {name}: {kind}: {message}"))


def parameter(name, path):
    get = imds()
    region = get("placement/region")
    endpoint = os.environ.get("PEER_RELAY_SSM_ENDPOINT") or f"https://ssm.{region}.{get('services/domain')}"
    body = json.dumps({"Name": name, "WithDecryption": True}).encode()
    request = signed_request(endpoint.rstrip("/"), region, role_credentials(get), "AmazonSSM.GetParameter", body)
    try:
        value = json.loads(urllib.request.urlopen(request, timeout=20).read())["Parameter"]["Value"].strip()
    except urllib.error.HTTPError as e:
        explain(e, name, region)
    except (OSError, ValueError, KeyError) as e:
        fail(f"SSM at {endpoint} does not answer: {type(e).__name__}: {getattr(e, 'reason', '')}")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(value + "\n")


if sys.argv[1:2] == ["parameter"] and len(sys.argv) == 4:
    parameter(sys.argv[2], sys.argv[3])
elif sys.argv[1:] == ["ssm-agent"]:
    get = imds()
    region = get("placement/region")
    print(f"https://s3.{region}.{get('services/domain')}/amazon-ssm-{region}")
else:
    fail("usage: aws parameter NAME FILE | aws ssm-agent")
`;
