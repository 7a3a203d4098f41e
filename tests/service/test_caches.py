"""The cache forgets the least recently used."""

from service.computing.caches import BoundedCache


def test_it_keeps_what_was_used_last_within_its_bytes() -> None:
    cache: BoundedCache[tuple[str, int], str] = BoundedCache(100, len)
    first, second, third = "x" * 40, "y" * 40, "z" * 40
    cache.put(("a", 1), first)
    cache.put(("b", 1), second)
    assert cache.get(("a", 1)) is first
    cache.put(("c", 1), third)
    assert cache.get(("b", 1)) is None
    assert cache.get(("a", 1)) is first
    assert cache.get(("a", 2)) is None
    cache.put(("d", 1), "w" * 101)
    assert cache.get(("d", 1)) is None
