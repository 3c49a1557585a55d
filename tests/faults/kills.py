"""`kill -9`: a part ends without a word, and whoever keeps it starts it again."""

from dataclasses import dataclass

from tests.faults.scene import Scene


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill one process."""

    victim: str

    @property
    def kind(self) -> str:
        return "kill"

    @property
    def victims(self) -> tuple[str, ...]:
        return (self.victim,)

    def __str__(self) -> str:
        return f"kill {self.victim}"

    async def inject(self, scene: Scene) -> None:
        scene.part(self.victim).kill()

    async def undo(self, scene: Scene) -> None:
        pass
