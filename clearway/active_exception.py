"""An exception in force, as the policy engine reads it: which template it links, and for whom and what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ActiveException:
    """An approved exception that has not ended, been revoked or been used up.

    Attributes:
        id: Id of the exception.
        template: `@id` of the policy template that it links.
        caller: Registered id of the one principal it permits.
        model: The only model it covers, or None.
        provider: The only provider it covers, or None. With neither, it covers every model.
        data_class: The only data class a request may have under it, or None for any.
        purpose: The only purpose it covers, or None for any.
    """

    id: str
    template: str
    caller: str
    model: str | None = None
    provider: str | None = None
    data_class: str | None = None
    purpose: str | None = None

    def covers(self, callers: tuple[str, ...], purpose: str, classes: tuple[str, ...]) -> bool:
        """Whether it speaks of a request; one data class of several is not enough."""
        return (
            self.caller in callers
            and self.purpose in (None, purpose)
            and (self.data_class is None or set(classes) == {self.data_class})
        )

    def as_json(self) -> dict[str, str | None]:
        """JSON form, as in records."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ActiveException:
        """The inverse of `as_json`."""
        return cls(**value)
