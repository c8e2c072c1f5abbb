"""Roles: viewer, submitter and promoter, derived from MLflow's own users and permissions.

MLflow's authentication knows administrators, and for each registered model and experiment one of the permissions READ,
USE, EDIT and MANAGE. Those decide; Dragoman keeps no users of its own.
"""

from enum import StrEnum


class Role(StrEnum):
    """What someone may do with one grid or one registered model; each may do what those before it may."""

    VIEWER = "viewer"
    """Read everything."""
    SUBMITTER = "submitter"
    """Stop grids and retry their failed cells as well."""
    PROMOTER = "promoter"
    """Promote, refuse and roll back as well; to promote by force takes an administrator."""

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what another one may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


def of_permission(permission: str) -> Role:
    """The role that MLflow's permission on a registered model or an experiment stands for."""
    return {"MANAGE": Role.PROMOTER, "EDIT": Role.SUBMITTER}.get(permission, Role.VIEWER)
