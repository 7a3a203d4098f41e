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


def test_what_is_put_twice_takes_its_room_once() -> None:
    cache: BoundedCache[str, str] = BoundedCache(100, len)
    for _ in range(3):
        cache.put("a", "x" * 40)
    cache.put("b", "y" * 40)
    assert cache.get("a") == "x" * 40
    cache.put("c", "z" * 40)
    assert (cache.get("a"), cache.get("b")) == ("x" * 40, None)


def test_what_nobody_will_ask_for_makes_room() -> None:
    cache: BoundedCache[tuple[str, int], str] = BoundedCache(100, len)
    cache.put(("a", 1), "x" * 40)
    cache.put(("b", 1), "y" * 40)
    cache.drop(lambda key: key[0] == "a")
    cache.put(("c", 1), "z" * 60)
    assert cache.get(("a", 1)) is None
    assert cache.get(("b", 1)) == "y" * 40
    assert cache.get(("c", 1)) == "z" * 60
