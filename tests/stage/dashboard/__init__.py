"""What the dashboard shows: CloudWatch's metric mathematics, which no emulator evaluates.

The body that is deployed is read, checked (`check`), evaluated over the metrics that CloudWatch
holds (`evaluate`) and drawn (`picture`).
"""
