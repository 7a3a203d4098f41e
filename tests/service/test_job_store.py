import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from service.problems import Problem
from service.store import giving_way, job_store
from service.store.database import Database
from service.store.job_store import JobStore


@pytest.fixture
def store(database: Database) -> JobStore:
    return JobStore(database)


def create(store: JobStore, job_id: str, total: int = 4) -> int:
    return store.create(job_id, task_id="t", model="tiny", total=total).number


def rows(first: int, count: int) -> list[dict[str, Any]]:
    return [{"filename": f"{k}.png", "label": "é"} for k in range(first, first + count)]


def test_results_and_progress_come_together(store: JobStore) -> None:
    job = create(store, "j")
    assert store.start_next() is not None
    assert store.commit_batch(job, 0, [*rows(0, 2), {"filename": "2.png", "error": "damaged"}])
    state = store.job("j")
    assert (state.status, state.done, state.total, state.errors) == ("running", 3, 4, 1)
    assert store.commit_batch(job, 3, rows(3, 1))
    assert [row["filename"] for row in store.results("j")] == [f"{k}.png" for k in range(4)]
    assert store.finish(job, "done")
    assert store.job("j").finished is not None


def test_a_batch_lands_once(store: JobStore) -> None:
    job = create(store, "j")
    store.start_next()
    assert store.commit_batch(job, 0, rows(0, 2))
    assert not store.commit_batch(job, 0, rows(0, 2))
    assert not store.commit_batch(job, 3, rows(3, 1))
    assert store.job("j").done == len(list(store.results("j"))) == 2


def test_of_the_same_batch_from_several_threads_one_lands(store: JobStore) -> None:
    job = create(store, "j")
    store.start_next()
    with ThreadPoolExecutor(4) as pool:
        landed = list(pool.map(lambda _: store.commit_batch(job, 0, rows(0, 2)), range(8)))
    assert sum(landed) == 1
    assert len(list(store.results("j"))) == 2


def test_takes_the_oldest_and_what_was_left_running(store: JobStore) -> None:
    first, second = create(store, "first"), create(store, "second")
    taken = store.start_next()
    assert taken is not None
    assert (taken.id, taken.status) == ("first", "running")
    store.commit_batch(first, 0, rows(0, 2))
    again = store.start_next()  # as after a SIGKILL
    assert again is not None
    assert (again.id, again.done) == ("first", 2)
    store.finish(first, "done")
    following = store.start_next()
    assert following is not None
    assert following.id == "second"
    store.finish(second, "failed", "why")
    assert store.start_next() is None
    assert store.job("second").error == "why"


def test_takes_the_one_with_the_fewest_images_left_of_several_the_first(store: JobStore) -> None:
    long, short, as_short = create(store, "long", 9), create(store, "short"), create(store, "as short")
    taken = [store.start_next(oldest=False), store.start_next()]
    assert [one.id for one in taken if one] == ["short", "long"]
    store.commit_batch(long, 0, rows(0, 6))
    by_turns = [store.start_next(oldest=False), store.start_next()]
    assert [one.id for one in by_turns if one] == ["long", "long"]
    assert store.job("as short").status == "queued"
    last = store.start_next(last=[long, short])
    assert last is not None
    assert last.id == "as short"
    store.finish(as_short, "done")
    last = store.start_next(last=[long, short])
    assert last is not None
    assert last.id == "long"


def test_after_a_cancellation_nothing_lands(store: JobStore) -> None:
    job = create(store, "j")
    store.start_next()
    store.commit_batch(job, 0, rows(0, 2))
    assert store.finish(job, "cancelled")
    assert not store.commit_batch(job, 2, rows(2, 2))
    assert not store.finish(job, "done")
    assert store.job("j").status == "cancelled"
    assert len(list(store.results("j"))) == 2


def test_deleting_a_job_deletes_its_results(store: JobStore, database: Database) -> None:
    job = create(store, "j")
    store.start_next()
    store.commit_batch(job, 0, rows(0, 2))
    store.delete_hidden(store.hide("j"))
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM results")).scalar() == 0
    with pytest.raises(Problem, match="no job 'j'"):
        store.job("j")
    assert not store.commit_batch(job, 2, rows(2, 2))


def test_a_deletion_lets_others_write_in_between(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_store, "_DELETED_AT_ONCE", 2)
    job = create(store, "j", 5)
    store.start_next()
    store.commit_batch(job, 0, rows(0, 5))
    made: list[str] = []

    def between(_: float) -> None:
        made.append(f"other {len(made)}")
        create(store, made[-1])
        assert list(store.statuses()) == made

    monkeypatch.setattr(giving_way.time, "sleep", between)
    store.delete_hidden(store.hide("j"))
    assert len(made) == 3


@pytest.fixture
def half_deleted(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of job ``j``, whose deletion was cut short after two of its five results."""
    monkeypatch.setattr(job_store, "_DELETED_AT_ONCE", 2)
    job = create(store, "j", 5)
    store.start_next()
    store.commit_batch(job, 0, rows(0, 5))
    store.finish(job, "done")
    with monkeypatch.context() as patch:
        patch.setattr(giving_way.time, "sleep", lambda _: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            store.delete_hidden(store.hide("j"))
    return job


@pytest.mark.parametrize("again", ["by its caller", "by the service"])
def test_a_deletion_that_was_cut_short(
    store: JobStore, database: Database, half_deleted: int, again: str
) -> None:
    for use in (store.job, lambda job_id: list(store.results(job_id))):
        with pytest.raises(Problem, match="no job 'j'"):
            use("j")
    assert (store.page(5, None).items, store.statuses(), set(store.counts().values())) == ([], {}, {0})
    assert store.unfinished("j") is None
    if again == "by its caller":
        store.delete_hidden(store.hide("j"))
    while store.resume_deletion():
        assert again == "by the service"
    with database.reading() as session:
        for table in ("results", "jobs"):
            assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0
    with pytest.raises(Problem, match="no job 'j'"):
        store.delete_hidden(store.hide("j"))


@pytest.mark.parametrize("task", ["t", "another"])
def test_a_deletion_that_was_cut_short_is_finished_when_the_id_is_asked_for(
    database: Database, half_deleted: int, task: str
) -> None:
    dropped: list[str] = []
    store = JobStore(database, dropped.append)
    assert store.of_id("j", task) is None
    assert dropped == ["j"]
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM results")).scalar() == 0
    assert create(store, "j") > half_deleted


def test_a_job_takes_the_id_of_one_whose_deletion_began_meanwhile(database: Database, half_deleted: int) -> None:
    done: list[str] = []
    store = JobStore(database, lambda job_id: done.append(f"dropped {job_id}"))
    new = store.create("j", task_id="another", model="tiny", total=1, place=lambda: done.append("placed"))
    assert done == ["dropped j", "placed"]
    assert (new.number > half_deleted, list(store.results("j"))) == (True, [])
    store.delete_hidden(half_deleted)
    assert (store.job("j"), len(done)) == (new, 2), "whoever began the deletion finds nothing left to delete"


def test_streams_results_beyond_one_read(store: JobStore) -> None:
    job = create(store, "j", 1203)
    store.start_next()
    for start in range(0, 1203, 401):
        store.commit_batch(job, start, rows(start, 401))
    assert [row["filename"] for row in store.results("j")] == [f"{k}.png" for k in range(1203)]


# Between two reads, and while the last one's rows are given.
@pytest.mark.parametrize(("read", "replaced"), [(500, False), (500, True), (700, False)])
def test_results_of_a_job_that_is_deleted_meanwhile_do_not_pass_for_all(
    store: JobStore, read: int, replaced: bool
) -> None:
    job = create(store, "j", 600)
    store.start_next()
    store.commit_batch(job, 0, rows(0, 600))
    given = store.results("j")
    if read > 600:
        assert len(list(given)) == 600
        store.delete_hidden(store.hide("j"))
        given = store.results("j")
    else:
        assert [next(given)["filename"] for _ in range(read)][-1] == "499.png"
        store.delete_hidden(store.hide("j"))
        if replaced:
            create(store, "j", 600)
    with pytest.raises(Problem, match="no job 'j'"):
        list(given)


def test_a_made_up_cursor_is_refused(store: JobStore) -> None:
    create(store, "a")
    texts = (str(2**62), "1" * 5000, "-1", " 1", "1_0", "01", "+1", "é", "")
    cursors = [base64.urlsafe_b64encode(text.encode()).decode() for text in texts]
    # A decoder that is not strict reads 111 in the first two of these, and 1 in the third.
    for cursor in (*cursors, "MTEx\ufffd", "M TEx\n", "MR==", "MTE", "\ud800"):
        with pytest.raises(Problem, match="none that a list gave") as refused:
            store.page(2, cursor)
        assert refused.value.status == 422


def test_counts_and_pages(store: JobStore) -> None:
    _, second, _ = [create(store, name) for name in "abc"]
    store.finish(second, "cancelled")
    assert store.counts() == {"queued": 2, "running": 0, "done": 0, "failed": 0, "cancelled": 1}
    assert store.statuses() == {"a": "queued", "b": "cancelled", "c": "queued"}
    page = store.page(2, None)
    assert [job.id for job in page.items] == ["c", "b"]
    assert [job.id for job in store.page(2, page.next_cursor).items] == ["a"]
