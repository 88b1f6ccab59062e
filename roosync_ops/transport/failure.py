"""Why a machine could not be reached or could not go on, as every room tells it."""

from typing import Final, NamedTuple

#: The step that looks at a machine before anything is changed on it.
PREFLIGHT: Final = "preflight"


class Failure(NamedTuple):
    """Why one machine could not go on. `code` is for programs; `hint` is the next command to type."""

    step: str
    code: str
    reason: str
    hint: str

    def sentence(self) -> str:
        return f"{self.step}: {self.reason}; next: {self.hint}"
