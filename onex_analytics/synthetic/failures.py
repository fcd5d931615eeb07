"""How the fleet fails: upstream's codes, each with an exception type and a message of variable parts.

A message has up to two variable parts, written `{path}`, `{id}`, `{number}`, `{ms}`, `{host}` or `{word}`.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Failure(NamedTuple):
    """One way to fail."""

    code: str
    error_type: str
    message: str

    @property
    def short(self) -> str:
        """The short form of the code, such as ONEX_CORE_021."""
        return "_".join(self.code.split("_")[:3])

    @property
    def bare(self) -> str:
        """The name of the code alone, such as FILE_NOT_FOUND."""
        return "_".join(self.code.split("_")[3:])

    @property
    def parts(self) -> list[tuple[str, str]]:
        """The message cut up: (text, kind of the variable part that follows it, or "")."""
        cut = re.split(r"\{(\w+)\}", self.message)
        return list(zip(cut[::2], [*cut[1::2], ""], strict=True))


_TABLE = """
ONEX_CORE_001_INVALID_PARAMETER | ValueError | Invalid parameter {word}: {number} is not allowed
ONEX_CORE_005_VALIDATION_FAILED | ValidationError | Validation failed with {number} error(s) in {path}
ONEX_CORE_021_FILE_NOT_FOUND | FileNotFoundError | File not found: {path}
ONEX_CORE_022_FILE_READ_ERROR | OSError | Cannot read {path} after {number} bytes
ONEX_CORE_025_PERMISSION_DENIED | PermissionError | [Errno 13] Permission denied: '{path}'
ONEX_CORE_041_INVALID_CONFIGURATION | ConfigurationError | Invalid configuration: key {word} has no value
ONEX_CORE_063_ITEM_NOT_REGISTERED | KeyError | Item {id} is not registered
ONEX_CORE_082_TIMEOUT_EXCEEDED | TimeoutError | Timed out after {ms} ms waiting for {host}
ONEX_CORE_083_RESOURCE_UNAVAILABLE | ResourceError | Resource {word} on {host} is unavailable
ONEX_CORE_122_DEPENDENCY_UNAVAILABLE | ImportError | Dependency {word} is unavailable on {host}
ONEX_STAMP_005_INVALID_FILE_TYPE | ValueError | Unsupported file type of {path}
ONEX_STAMP_021_METADATA_PARSE_ERROR | YAMLError | Cannot parse metadata block at line {number} of {path}
ONEX_STAMP_041_HANDLER_NOT_FOUND | LookupError | No handler registered for {path}
ONEX_STAMP_062_HASH_VERIFICATION_FAILED | IntegrityError | Hash of {path} does not match {id}
ONEX_TREE_001_DIRECTORY_NOT_FOUND | FileNotFoundError | Root directory does not exist: {path}
ONEX_TREE_041_ARTIFACT_DISCOVERY_FAILED | DiscoveryError | Discovery stopped after {number} artifacts in {path}
ONEX_TREE_063_ARTIFACT_COUNT_MISMATCH | ValueError | Expected {number} artifacts, found {number}
ONEX_REGISTRY_022_REGISTRY_FILE_PARSE_ERROR | YAMLError | Cannot parse registry file {path} at line {number}
ONEX_REGISTRY_043_ARTIFACT_TYPE_UNKNOWN | ValueError | Unknown artifact type {word} for {id}
ONEX_REGISTRY_083_DUPLICATE_ARTIFACT_ID | ValueError | Duplicate artifact id {id}
ONEX_LOGGER_001_INVALID_LOG_LEVEL | ValueError | Invalid log level {word}
ONEX_LOGGER_063_OUTPUT_SERIALIZATION_ERROR | TypeError | Cannot serialise field {word} of type bytes
ONEX_TEMPLATE_023_TEMPLATE_LOGIC_ERROR | TemplateError | Undefined variable {word} at line {number}
ONEX_TEMPLATE_024_TEMPLATE_TIMEOUT | TimeoutError | Template took longer than {ms} ms
ONEX_SCHEMA_022_MODEL_IMPORT_ERROR | ImportError | Cannot import model {word} from {path}
ONEX_SCHEMA_042_SCHEMA_VALIDATION_ERROR | ValidationError | Schema of {word} has {number} violation(s)
ONEX_PARITY_043_PARITY_CHECK_FAILED | ParityError | Outputs differ in {number} of {number} fields
ONEX_PARITY_047_VALIDATION_TIMEOUT | TimeoutError | Parity check gave up after {ms} ms
ONEX_CLI_021_NODE_NOT_FOUND | LookupError | Node {word} not found
ONEX_CLI_041_NODE_EXECUTION_FAILED | RuntimeError | Node execution failed with exit code {number}
ONEX_EVENT_600_BUS_UNAVAILABLE | ConnectionError | Event bus at {host}:9092 is not available
ONEX_SYS_903_TIMEOUT | TimeoutError | Operation timed out after {ms} ms
ONEX_CORE_081_OPERATION_FAILED | OnexError | Call to a child operation failed: request {id}
ONEX_SYS_902_NETWORK_UNAVAILABLE | ConnectionError | Network connection to {host} failed: errno {number}
ONEX_SYS_904_RESOURCE_EXHAUSTED | MemoryError | Resource exhausted: {number} MB requested on {host}
ONEX_VALID_102_VALIDATION_FAILED | ValidationError | Input of {number} bytes does not match schema {word}
ONEX_RT_400_NODE_INITIALIZATION_FAILED | RuntimeError | Node failed to initialize: {word} is not set (attempt {number})
ONEX_REG_202_REGISTRY_CORRUPTED | RegistryError | Registry data corrupted at offset {number} of {path}
"""

FAILURES = tuple(Failure(*(part.strip() for part in line.split("|"))) for line in _TABLE.strip().splitlines())
"""Every way to fail, in the order of the table."""

INDEX_OF = {failure.code: i for i, failure in enumerate(FAILURES)}

CHILD_FAILED = INDEX_OF["ONEX_CORE_081_OPERATION_FAILED"]
CHILD_SILENT = INDEX_OF["ONEX_CORE_082_TIMEOUT_EXCEEDED"]
RESERVED = (
    "ONEX_CORE_081_OPERATION_FAILED", "ONEX_SYS_902", "ONEX_SYS_904", "ONEX_VALID_102", "ONEX_RT_400", "ONEX_REG_202",
)
"""Beginnings of the codes that no node fails with by itself: they are left to callers and to incidents."""

WORDS = (
    "retries", "author", "tree_root", "schema_uri", "event_bus", "api_version", "namespace", "lifecycle",
    "entrypoint", "runtime", "checksum", "manifest", "owner", "encoding", "locale", "max_depth",
)


def ordinary_failures(component: str) -> list[int]:
    """Indexes of the failures that a node of `component` has on an ordinary day."""
    ordinary = [f for f in FAILURES if not f.code.startswith(RESERVED)]
    own = [INDEX_OF[f.code] for f in ordinary if f.code.startswith(f"ONEX_{component}_")]
    core = [INDEX_OF[f.code] for f in ordinary if f.code.startswith("ONEX_CORE_")]
    return own * 3 + core
