"""What 20 credentials may do on 1,000 buckets: policies of 5,000 statements read, and 100,000 requests decided, by one process.

``python benchmarks/bench_policies.py [--buckets N]``. The data is made from a seed: bucket policies with accounts, users, roles, wildcards,
conditions and denies; credentials of users and roles' sessions with identity policies, boundaries and session policies. Prints the seconds of
each step; exit status 1 where the whole takes longer than the target.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measuring import verdict

from ir_kit.policies.decisions import Policies, Request, decide
from ir_kit.policies.policy_documents import Principal, parse_policy
from ir_kit.policies.public_access import public_statements, public_status

TARGET = 20.0
ACCOUNT = "111122223333"
ACCESS = {
    "read": ("s3:GetObject", "/*"),
    "write": ("s3:PutObject", "/*"),
    "delete": ("s3:DeleteObject", "/*"),
    "list": ("s3:ListBucket", ""),
    "policy change": ("s3:PutBucketPolicy", ""),
}
CONDITIONS: list[dict[str, Any]] = [
    {},
    {},
    {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}},
    {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
    {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/app-*"}},
    {"StringLike": {"s3:prefix": ["home/${aws:username}/*", "shared/*"]}},
    {"Bool": {"aws:SecureTransport": "true"}, "NumericLessThan": {"s3:max-keys": "1000"}},
]


def bucket_policy(made: random.Random, bucket: str) -> str:
    """Five statements: grants to one account, some, or everybody; denies on transport, network or principals."""
    arn = f"arn:aws:s3:::{bucket}"
    statements: list[dict[str, Any]] = [
        {"Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"],
         "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    ]  # fmt: skip
    for number in range(4):
        who: Any = made.choice(
            [
                "*",
                {"AWS": f"{made.randrange(10**11, 10**12)}"},
                {"AWS": [f"arn:aws:iam::{ACCOUNT}:user/user-{made.randrange(40)}" for _ in range(3)]},
                {"AWS": f"arn:aws:iam::{ACCOUNT}:role/app-{made.randrange(40)}"},
                {"Service": "cloudtrail.amazonaws.com"},
            ]
        )
        statement = {
            "Sid": f"S{number}",
            "Effect": "Deny" if made.random() < 0.2 else "Allow",
            "Principal": who,
            "Action": made.choice(["s3:*", "s3:Get*", ["s3:GetObject", "s3:PutObject"], "s3:ListBucket", "s3:Put*"]),
            "Resource": made.choice([[arn, f"{arn}/*"], f"{arn}/*", f"{arn}/public/*", arn]),
        }
        condition = made.choice(CONDITIONS)
        statements.append(statement | ({"Condition": condition} if condition else {}))
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def credential(made: random.Random, number: int, buckets: list[str]) -> tuple[Principal, dict[str, Any]]:
    """Every other one a role's session; a dozen statements each, and limits for some."""
    statements: list[dict[str, Any]] = []
    for _ in range(12):
        some = [f"arn:aws:s3:::{bucket}/*" for bucket in made.sample(buckets, 5)]
        statements.append(
            {
                "Effect": "Deny" if made.random() < 0.15 else "Allow",
                "Action": made.choice(["s3:*", "s3:Get*", "s3:List*", ["s3:PutObject", "s3:DeleteObject"], "ec2:*"]),
                "Resource": made.choice([some, "*", "arn:aws:s3:::bucket-1*", "arn:aws:s3:::*/home/${aws:username}/*"]),
                "Condition": made.choice(CONDITIONS),
            }
        )
    identity = [
        parse_policy({"Version": "2012-10-17", "Statement": statements[part::3]}, f"policy {part} of c{number}")
        for part in range(3)
    ]
    wide = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    boundary = parse_policy(wide, f"boundary of c{number}") if number % 3 == 0 else None
    if number % 2:
        role = f"arn:aws:iam::{ACCOUNT}:role/app-{number}"
        who = Principal("role_session", f"arn:aws:sts::{ACCOUNT}:assumed-role/app-{number}/s", role)
        session = [parse_policy(wide, f"session policy of c{number}")] if number % 5 == 0 else None
        return who, {"identity": identity, "boundary": boundary, "session": session}
    who = Principal("user", f"arn:aws:iam::{ACCOUNT}:user/user-{number}")
    return who, {"identity": identity, "boundary": boundary}


def main() -> int:
    """Measure; 0 where the target holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--buckets", type=int, default=1000)
    given = parser.parse_args()
    made = random.Random(6)
    buckets = [f"bucket-{number}-{made.randrange(10**6)}" for number in range(given.buckets)]
    texts = {bucket: bucket_policy(made, bucket) for bucket in buckets}
    started, cpu = time.perf_counter(), time.process_time()
    read = {bucket: parse_policy(text, f"bucket policy of {bucket}") for bucket, text in texts.items()}
    credentials = [credential(made, number, buckets) for number in range(20)]
    parsed = time.perf_counter()
    public = Counter(public_status(policy) for policy in read.values())
    granted = sum(len(public_statements(policy)) for policy in read.values())
    named = time.perf_counter()
    answers: Counter[str] = Counter()
    context = {"aws:SecureTransport": True}
    for who, limits in credentials:
        for bucket, policy in read.items():
            for action, below in ACCESS.values():
                asked = Request(who, action, f"arn:aws:s3:::{bucket}{below}", ACCOUNT, context)
                answers[decide(asked, Policies(resource=[policy], **limits)).status] += 1
    decided, used = time.perf_counter(), time.process_time() - cpu
    statements = sum(len(policy.statements) for policy in read.values())
    print(
        f"{len(buckets)} buckets, {statements} statements, {len(credentials)} credentials, {sum(answers.values())} decisions"
    )
    print(f"  read the policies          {parsed - started:8.2f} s")
    print(f"  public, {granted:6} statements {named - parsed:8.2f} s   {dict(sorted(public.items()))}")
    print(f"  decide                     {decided - named:8.2f} s   {dict(sorted(answers.items()))}")
    print(f"  of one core, all in all    {used:8.2f} s")
    return 0 if verdict("seconds, all in all", decided - started, TARGET, at_least=False) else 1


if __name__ == "__main__":
    sys.exit(main())
