"""What the fork server of `tests.store.child` imports: the child, and its kernels."""

from tests.store import child

child.warm()
