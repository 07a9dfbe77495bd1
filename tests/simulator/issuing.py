"""Calls that make new credentials, each giving back the credential that it made."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from simulator import ids
from simulator.principals import Credential
from simulator.requests import Request
from simulator.world import World


def _credentials(rng: Random, child: Credential) -> dict[str, Any]:
    assert child.expires is not None
    return {
        "accessKeyId": child.access_key_id,
        "sessionToken": ids.session_token(rng),
        "expiration": ids.us_date(child.expires, comma=True),
    }


def _child(world: World, rng: Random, acting: Credential, time: datetime, seconds: int, **fields: Any) -> Credential:
    values: dict[str, Any] = {
        "kind": acting.kind, "name": acting.name, "account": world.account, "principal_id": acting.principal_id,
        "access_key_id": ids.access_key_id(rng, "ASIA", world.account), "created": time, "parent": acting,
        "issued_how": "observed", "temporary": True, "expires": time + timedelta(seconds=seconds),
    }  # fmt: skip
    child = Credential(**(values | fields))
    world.issued.append(child)
    return child


def assume_role(
    world: World, time: datetime, parent: Credential, role: str, session: str,
    *, address: str, agent: str, seconds: int = 3600, **more: Any,
) -> Credential:  # fmt: skip
    """AssumeRole: the child acts as the role."""
    rng, known = world.rng, world.roles[role]
    child = _child(
        world, rng, parent, time, seconds, kind="role", name=role, principal_id=known.role_id, session=session,
        role_path=known.path,
    )  # fmt: skip
    arn = f"arn:aws:iam::{world.account}:role{known.path}{role}"
    parameters: dict[str, Any] = {"roleArn": arn, "roleSessionName": session}
    if seconds != 3600:
        parameters["durationSeconds"] = seconds
    child.issued_by = world.call(
        time, parent, "sts", "AssumeRole", address=address, agent=agent, parameters=parameters, target=arn,
        response={
            "credentials": _credentials(rng, child),
            "assumedRoleUser": {"assumedRoleId": f"{known.role_id}:{session}", "arn": child.principal_arn},
        },
        **more,
    )  # fmt: skip
    return child


def get_session_token(
    world: World, time: datetime, parent: Credential, *, address: str, agent: str, seconds: int = 43200, **more: Any
) -> Credential:
    """GetSessionToken: the child stays the user, with an ASIA key."""
    child = _child(world, world.rng, parent, time, seconds)
    child.issued_by = world.call(
        time, parent, "sts", "GetSessionToken", address=address, agent=agent,
        parameters={"durationSeconds": seconds}, response={"credentials": _credentials(world.rng, child)}, **more,
    )  # fmt: skip
    return child


def get_federation_token(
    world: World, time: datetime, parent: Credential, name: str, *, address: str, agent: str, seconds: int = 43200,
    **more: Any,
) -> Credential:  # fmt: skip
    """GetFederationToken: the child outlives its parent's deactivation."""
    principal = f"{world.account}:{name}"
    child = _child(world, world.rng, parent, time, seconds, kind="federated", name=name, principal_id=principal)
    child.issued_by = world.call(
        time, parent, "sts", "GetFederationToken", address=address, agent=agent, target=child.principal_arn,
        parameters={"name": name, "durationSeconds": seconds},
        response={
            "credentials": _credentials(world.rng, child),
            "federatedUser": {"federatedUserId": principal, "arn": child.principal_arn},
            "packedPolicySize": 6,
        },
        **more,
    )  # fmt: skip
    return child


def create_user(world: World, time: datetime, by: Credential, name: str, **more: Any) -> Request:
    """CreateUser; an `error_code` in `more` makes nothing."""
    if not more.get("error_code"):
        world.user(name, created=time, key=False)
        user = world.users[name]
        more["response"] = {
            "user": {
                "path": "/", "userName": name, "userId": user.user_id,
                "arn": f"arn:aws:iam::{world.account}:user/{name}", "createDate": ids.us_date(time),
            }
        }  # fmt: skip
    return world.call(time, by, "iam", "CreateUser", parameters={"userName": name}, target=name, **more)


def create_access_key(world: World, time: datetime, by: Credential, user_name: str, **more: Any) -> Credential:
    """CreateAccessKey for a user: a long-term child."""
    rng = world.stream(f"key:{user_name}:{len(world.users[user_name].keys)}")
    child = world.long_term_key(world.users[user_name], rng, time, parent=by)
    child.issued_by = world.call(
        time, by, "iam", "CreateAccessKey", parameters={"userName": user_name}, target=user_name,
        response={
            "accessKey": {
                "accessKeyId": child.access_key_id, "status": "Active", "userName": user_name,
                "createDate": ids.us_date(time),
            }
        },
        **more,
    )  # fmt: skip
    return child


def create_login_profile(world: World, time: datetime, by: Credential, user_name: str, **more: Any) -> Request:
    """CreateLoginProfile; an `error_code` in `more` makes nothing."""
    if not more.get("error_code"):
        world.users[user_name].login_profile = time
        more["response"] = {
            "loginProfile": {
                "userName": user_name, "createDate": ids.us_date(time), "passwordResetRequired": False,
            }
        }  # fmt: skip
    return world.call(
        time, by, "iam", "CreateLoginProfile", target=user_name,
        parameters={"userName": user_name, "passwordResetRequired": False}, **more,
    )  # fmt: skip


def console_login(
    world: World, time: datetime, user_name: str, *, address: str, agent: str, keys: int = 2, mfa: bool = False,
    parent: Credential | None = None, seconds: int = 43200, **more: Any,
) -> list[Credential]:  # fmt: skip
    """ConsoleLogin: no key is named; later calls carry `keys` ASIA keys whose creationDate is the sign-in's second.

    `parent` is the credential whose act (a login profile) gave the power to sign in, where one did.
    """
    user = world.users[user_name]
    bare = Credential("user", user_name, world.account, user.user_id)
    login = world.call(
        time, bare, "signin", "ConsoleLogin", address=address, agent=agent,
        response={"ConsoleLogin": "Success"},
        additional={
            "LoginTo": "https://console.aws.amazon.com/console/home?hashArgs=%23&isauthcode=true&state=hashArgsFromTB",
            "MobileVersion": "No", "MFAUsed": "Yes" if mfa else "No",
        },
        **more,
    )  # fmt: skip
    return [
        _child(
            world, world.rng, bare, time, seconds, parent=parent, console=True, mfa=mfa, issued_by=login,
            issued_how="inferred" if parent else None,
        )
        for _ in range(keys)
    ]  # fmt: skip
