"""A copy to a bucket that is not among those that the account lists left the account."""

from __future__ import annotations

from typing import Any

import pytest

from ir_kit.object_access import questions as object_access


@pytest.mark.parametrize(("listed", "copied"), [(True, "outside"), (False, "unknown")])
def test_a_destination_that_only_copies_name_is_not_the_accounts_own(world: Any, listed: bool, copied: str) -> None:
    if listed:
        world.answer("s3", "ListBuckets", {}, {"Buckets": [{"Name": "vault"}], "Owner": {"ID": "7" * 64}})
    world.call(
        "10:00", world.owner, "CopyObject", source="s3", readOnly=False, managementEvent=False,
        eventCategory="Data", requestID="COPY", requestParameters={
            "bucketName": "evil-drop", "key": "a", "x-amz-copy-source": "vault/a.txt",
        },
        resources=[{"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::evil-drop", "accountId": "999988887777"}],
    )  # fmt: skip
    rows = object_access.requests(world.case())
    half = rows[rows["event_name"] == "CopyObjectSource"].iloc[0]
    assert (half["bucket"], half["copied"], half["disclosed"]) == ("vault", copied, "copied_out")
