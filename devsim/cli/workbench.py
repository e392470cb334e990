"""A circuit file on the bench: opened, adjusted, and what it asks for."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from devsim import exchange
from devsim.check import InputError, suggest
from devsim.circuit import Circuit
from devsim.exchange import Deck
from devsim.variant import adjusted

Asked = TypeVar("Asked")
DRIVES = ("voltage", "current", "power")
"""The parameter by which a source acts, the first that it has."""


@dataclasses.dataclass(frozen=True)
class Workbench:
    """A circuit file, opened.

    circuit: that of the analysis, with what was set. inputs: values of its named inputs. complain: is told what a user
    should know, in one line.
    """

    file: Path
    deck: Deck
    circuit: Circuit
    inputs: dict[str, Any]
    complain: Callable[[str], object]

    @classmethod
    def opened(
        cls,
        file: Path,
        *,
        settings: Mapping[str, Any],
        inputs: Mapping[str, Any],
        complain: Callable[[str], object],
        in_time: bool = False,
    ) -> Self:
        """Read a file and set parameters; what the file says in vain is complained of. in_time: for a transient.

        Raises InputError for a file that cannot be read, unknown or refused parameters, missing and unknown inputs.
        """
        deck = exchange.read(file)
        for warning in deck.warnings:
            complain(f"warning: {warning}")
        circuit = adjusted(deck.transient_circuit if in_time else deck.circuit, settings, "named in the file")
        known = [name for name, _ in circuit.netlist.inputs]
        for name in inputs:
            if name not in known:
                raise InputError(f"`--input` names `{name}`, which is no input of the circuit.{suggest(name, known)}")
        if missing := [name for name in known if name not in inputs]:
            raise InputError(f"`--input` must give every input of the circuit, as {missing[0]}=VALUE, but gives none for it.")
        return cls(file, deck, circuit, dict(inputs), complain)

    def asked(self, kind: type[Asked]) -> Asked | None:
        """The first analysis of a kind that the file asks for; more of them are complained of."""
        found = [each for each in self.deck.analyses if isinstance(each, kind)]
        if len(found) > 1:
            self.complain(f"warning: `{self.file.name}` asks for {len(found)} analyses of this kind; the first is made.")
        return found[0] if found else None

    def drive(self, name: str) -> str:
        """What `small_signal` calls the source of that name: the parameter by which a part acts, or the name itself."""
        if name not in self.circuit.netlist.places():
            return name
        known = self.circuit[name].parameters()
        acts = next((word for word in DRIVES if word in known), None)
        if acts is None:
            raise InputError(
                f"`--source` must name a source, but `{name}` is none; name one of its parameters, such as"
                f" `{name}.{next(iter(known), 'value')}`, or one of its pins."
            )
        return f"{name}.{acts}"

    def favourites(self) -> list[str]:
        """Nets that pictures show before others: what the circuit gives out, what the file asks the noise of."""
        asked = [net for each in self.deck.analyses for net in (getattr(each, "output", None),) if net]
        return list(dict.fromkeys([*asked, *(net for _, net in self.circuit.netlist.outputs)]))
