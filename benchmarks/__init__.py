"""How long tagalong takes with large fleets, and how long ECS's own quotas take: docs/scale.md."""
