"""Plays OpsCenter, the part of AWS Systems Manager that keeps OpsItems.

OpsItems come in two ways. A scenario or a test loads *OpsItem records*: what was there before, with
its ids and times; nothing is emitted, since a scenario lists its events itself. And whoever calls
`CreateOpsItem` or `UpdateOpsItem` gets what AWS would do, the event on the account's default bus
included.

A record has `account`, `region`, `opsItem` as `GetOpsItem` gives it, and `tags` as
`ListTagsForResource` gives them. What OpsCenter fills in itself may be left out.

Of what is not played, everything that a request can ask for is refused: change requests and
insights, the OpsItems of other accounts, notifications. CloudWatch alarms create no OpsItems here.
"""
