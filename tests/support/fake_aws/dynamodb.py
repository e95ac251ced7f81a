"""DynamoDB: one table, and no more of its expressions than the product uses or may come to use."""

import json
from dataclasses import dataclass, field

from support.fake_aws.base import Clock, Json, Refused
from support.fake_aws.conditions import condition, equal_to

_LARGEST_ITEM, _LARGEST_PAGE = 400 * 1024, 1024 * 1024
Key = tuple[str, str]


class Canceled(Refused):
    """A transaction, with a reason for each of its changes."""

    def __init__(self, reasons: list[str]) -> None:
        codes = [it or "None" for it in reasons]
        message = f"Transaction cancelled, please refer cancellation reasons [{', '.join(codes)}]"
        super().__init__("TransactionCanceledException", message)
        self.more = {"CancellationReasons": [{"Code": it} for it in codes]}


@dataclass(repr=False)
class DynamoDb(Clock):
    keys: tuple[str, str] = ("subject", "item")
    """the names of the partition key and the sort key, both strings"""
    table: dict[Key, Json] = field(default_factory=dict)
    items: dict[str, set[str]] = field(default_factory=dict)
    """partition -> sort keys: a query must not read the whole table"""
    queried: set[str] = field(default_factory=set)
    """partitions"""
    unprocessed: int = 0
    """how many keys or writes the next batches leave out, as they may under load"""

    def _create_table(self, body: Json) -> Json:
        kinds = {it["KeyType"]: it["AttributeName"] for it in body["KeySchema"]}
        self.keys = kinds["HASH"], kinds["RANGE"]
        return {}

    # -- one item -----------------------------------------------------------------------------------------

    def _get_item(self, body: Json) -> Json:
        found = self.table.get(self._key(body["Key"]))
        return {"Item": found} if found is not None else {}

    def _put_item(self, body: Json) -> Json:
        if _size(body["Item"]) > _LARGEST_ITEM:
            raise Refused("ValidationException", "Item size has exceeded the maximum allowed size")
        key = self._key(body["Item"])
        self._check(body, key)
        self.table[key] = body["Item"]
        self.items.setdefault(key[0], set()).add(key[1])
        return {}

    def _delete_item(self, body: Json) -> Json:
        key = self._key(body["Key"])
        self._check(body, key)
        self.table.pop(key, None)
        self.items.get(key[0], set()).discard(key[1])
        return {}

    def _check(self, body: Json, key: Key) -> None:
        expression = body.get("ConditionExpression")
        if expression and not condition(expression, body)(self.table.get(key, {})):
            raise Refused("ConditionalCheckFailedException", "The conditional request failed")

    # -- many ---------------------------------------------------------------------------------------------

    def _batch_get_item(self, body: Json) -> Json:
        [(table, wanted)] = body["RequestItems"].items()
        keys = [self._key(key) for key in wanted["Keys"]]
        if not 1 <= len(keys) <= 100:
            raise Refused("ValidationException", "Too many items requested for the BatchGetItem call")
        self._check_distinct(keys)
        done = len(keys) - self._left_out(len(keys))
        rest = {table: {**wanted, "Keys": wanted["Keys"][done:]}} if done < len(keys) else {}
        found = [self.table[key] for key in keys[:done] if key in self.table]
        return {"Responses": {table: found}, "UnprocessedKeys": rest}

    def _batch_write_item(self, body: Json) -> Json:
        [(table, writes)] = body["RequestItems"].items()
        if not 1 <= len(writes) <= 25:
            raise Refused("ValidationException", "Member must have length between 1 and 25")
        self._check_distinct([self._written(write) for write in writes])
        done = len(writes) - self._left_out(len(writes))
        for write in writes[:done]:
            if "PutRequest" in write:
                self._put_item(write["PutRequest"])
            else:
                self._delete_item(write["DeleteRequest"])
        return {"UnprocessedItems": {table: writes[done:]} if done < len(writes) else {}}

    def _transact_write_items(self, body: Json) -> Json:
        """All or nothing."""
        changes = [change for it in body["TransactItems"] for change in it.items()]
        if not 1 <= len(changes) <= 100:
            raise Refused("ValidationException", "Member must have length less than or equal to 100")
        keys = [self._key(it["Item"] if kind == "Put" else it["Key"]) for kind, it in changes]
        if len(set(keys)) < len(keys):
            message = "Transaction request cannot include multiple operations on one item"
            raise Refused("ValidationException", message)
        if any(reasons := [self._reason(it, key) for (_, it), key in zip(changes, keys, strict=True)]):
            raise Canceled(reasons)
        for kind, it in changes:
            self._put_item(it) if kind == "Put" else self._delete_item(it)
        return {}

    def _reason(self, change: Json, key: Key) -> str:
        try:
            self._check(change, key)
        except Refused:
            return "ConditionalCheckFailed"
        return ""

    def _query(self, body: Json) -> Json:
        """A page ends at the limit or at 1 MB; a filter applies to what was read."""
        keys = self._queried(body)
        page = self._page(keys, body.get("Limit"))
        found = [self.table[key] for key in page]
        if "FilterExpression" in body:
            found = list(filter(condition(body["FilterExpression"], body), found))
        more = {"LastEvaluatedKey": self._as_item(page[-1])} if len(page) < len(keys) else {}
        return {"Items": found, "Count": len(found), "ScannedCount": len(page), **more}

    def _queried(self, body: Json) -> list[Key]:
        """All keys that are left to read, in order."""
        expression, forward = body["KeyConditionExpression"], body.get("ScanIndexForward", True)
        wanted = condition(expression, body)
        partition = equal_to(self.keys[0], expression, body)
        self.queried.add(partition)
        keys = sorted(((partition, item) for item in self.items.get(partition, ())), reverse=not forward)
        keys = [key for key in keys if wanted(self._as_item(key))]
        if "ExclusiveStartKey" not in body:
            return keys
        start = self._key(body["ExclusiveStartKey"])
        return [key for key in keys if (key > start if forward else key < start)]

    def _page(self, keys: list[Key], limit: int | None) -> list[Key]:
        page, size = [], 0
        for key in keys[:limit]:
            page.append(key)
            size += _size(self.table[key])
            if size > _LARGEST_PAGE:
                break
        return page

    # -- how ----------------------------------------------------------------------------------------------

    def _key(self, item: Json) -> Key:
        partition, sort = self.keys
        return item[partition]["S"], item[sort]["S"]

    def _as_item(self, key: Key) -> Json:
        return {name: {"S": value} for name, value in zip(self.keys, key, strict=True)}

    def _written(self, write: Json) -> Key:
        put = write.get("PutRequest")
        return self._key(put["Item"] if put else write["DeleteRequest"]["Key"])

    def _check_distinct(self, keys: list[Key]) -> None:
        if len(set(keys)) < len(keys):
            raise Refused("ValidationException", "Provided list of item keys contains duplicates")

    def _left_out(self, most: int) -> int:
        left, self.unprocessed = min(self.unprocessed, most), 0
        return left


def _size(item: Json) -> int:
    """About what DynamoDB counts."""
    return len(json.dumps(item, ensure_ascii=False).encode())
