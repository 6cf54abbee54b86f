"""What the deployment fixes about who may govern, for the audit to hold the access manager's events to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.audit.access import Expected
from ledger.chain.abi import selector
from ledger.chain.deployment import FUNCTIONS, GOVERNOR, GUARDIANS, ROLES
from ledger.domain.catalogue import default_authorities

if TYPE_CHECKING:
    from ledger.workflows.office import Office


def expected_access(office: Office) -> Expected:
    """Return the roles, functions and members of ADMIN that this software's deployment makes."""
    contracts = office.contracts
    functions = {
        (contracts.address(contract).lower(), selector(contract, function)): role
        for contract, needs in FUNCTIONS.items()
        for function, role in needs.items()
    }
    return Expected(
        manager=contracts.address("AccessManager").lower(),
        keeper=contracts.address("Keeper").lower(),
        deployer=office.keystore.address("deployer").lower(),
        roles=ROLES,
        functions=functions,
        guardians=GUARDIANS,
        governor=GOVERNOR,
        authorities={each.code: (each.mandate, each.weighty) for each in default_authorities()},
    )
