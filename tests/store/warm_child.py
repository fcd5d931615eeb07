"""What the fork server of `tests.store.child` imports: the children, and kernels."""

from tests.store import child, span_children

__all__ = ["span_children"]

child.warm()
