from typing import Generic, TypeVar

_Answer_co = TypeVar("_Answer_co", covariant=True)

class Request(Generic[_Answer_co]): ...
