from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.model import OnexEvent, correlation_scope, current_correlation

# a tree is the list of its children; each node says how its children are entered
trees = st.recursive(
    st.just([]),
    lambda inner: st.lists(st.tuples(st.sampled_from(["call", "thread", "child"]), inner), max_size=3),
    max_leaves=12,
)


def start() -> OnexEvent:
    return OnexEvent(node_id="n", event_type="NODE_START")


def walk(tree, links, scope):
    """Open the scopes of a tree, by calls, copied threads and `child`, noting (event, parent event)."""
    here = start()
    links.append((here, scope))
    for way, inner in tree:
        if way == "child":
            links.append((here.child("NODE_START", node_id="m"), here))
        elif way == "call":
            with correlation_scope():
                walk(inner, links, here)
        else:
            context = contextvars.copy_context()
            with ThreadPoolExecutor(1) as pool:
                pool.submit(context.run, in_scope, inner, links, here).result()


def in_scope(tree, links, parent):
    with correlation_scope():
        walk(tree, links, parent)


def assert_linked(links):
    root = links[0][0]
    assert root.parent_correlation_id is None and len(root.trace_id) == 32
    for event, parent in links[1:]:
        assert event.parent_correlation_id == parent.correlation_id
        assert event.trace_id == root.trace_id
    assert len({event.correlation_id for event, _ in links}) == len(links)


@given(trees)
def test_parent_links_are_the_nesting_across_calls_children_and_threads(tree):
    links = []
    in_scope(tree, links, None)
    assert_linked(links)
    assert current_correlation() is None


@given(trees)
def test_parent_links_are_the_nesting_across_tasks_that_run_at_once(tree):
    links = []

    async def visit(tree, parent):
        with correlation_scope():
            here = start()
            links.append((here, parent))
            await asyncio.sleep(0)
            await asyncio.gather(*(visit(inner, here) for _, inner in tree))
            assert current_correlation().correlation_id == here.correlation_id

    asyncio.run(visit(tree, None))
    assert_linked(links)


def test_outside_a_scope_nothing_is_invented():
    assert current_correlation() is None
    event = start()
    assert (event.correlation_id, event.parent_correlation_id, event.trace_id) == (None, None, None)


def test_a_scope_ends_with_its_block_even_by_an_error():
    with pytest.raises(KeyError), correlation_scope("c1"):
        raise KeyError
    assert current_correlation() is None


def test_a_new_thread_without_a_copied_context_begins_its_own_trace():
    with correlation_scope(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(current_correlation).result() is None


def test_a_fresh_scope_has_a_trace_id_of_sixteen_bytes():
    with correlation_scope() as scope:
        assert scope.trace_id == scope.correlation_id.replace("-", "")
        assert (start().correlation_id, start().trace_id) == (scope.correlation_id, scope.trace_id)


def test_entering_the_open_scope_again_makes_no_event_its_own_parent():
    with correlation_scope("outer"), correlation_scope("c1") as scope, correlation_scope("c1") as again:
        assert again == scope


def test_what_another_process_began_is_gone_on_with():
    with correlation_scope("c2", parent_correlation_id="c1", trace_id="t"):
        event = start()
    assert (event.correlation_id, event.parent_correlation_id, event.trace_id) == ("c2", "c1", "t")


def test_a_recorded_event_read_inside_a_scope_takes_nothing_from_it():
    with correlation_scope():
        event = OnexEvent(event_id="e1", timestamp="2026-11-23T12:00:00", node_id="n", event_type="NODE_START")
    assert (event.correlation_id, event.trace_id) == (None, None)


def test_an_event_with_a_correlation_of_its_own_keeps_it():
    with correlation_scope("c1"):
        event = OnexEvent(node_id="n", event_type="NODE_START", correlation_id="mine", trace_id="t")
    assert (event.correlation_id, event.parent_correlation_id, event.trace_id) == ("mine", None, "t")
