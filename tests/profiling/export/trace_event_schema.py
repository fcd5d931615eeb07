"""Chrome's Trace Event Format as a JSON schema.

Google publishes the format as a document ("Trace Event Format", 2016), not as a schema: this is that document's text,
for the kinds of events that we write (X, B, M), written down independently of the exporter.
"""

NAMES = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
IDS = {"pid": {"type": "integer"}, "tid": {"type": "integer"}}
SCHEMA = {
    "type": "object",
    "required": ["traceEvents"],
    "properties": {
        "displayTimeUnit": {"enum": ["ms", "ns"]},
        "otherData": {"type": "object"},
        "traceEvents": {
            "type": "array",
            "items": {
                "oneOf": [
                    {
                        "required": ["name", "cat", "ph", "ts", "dur", "pid", "tid"],
                        "properties": {
                            "ph": {"const": "X"}, "name": {"type": "string"}, "cat": {"type": "string"},
                            "ts": {"type": "number"}, "dur": {"type": "number", "minimum": 0},
                            "args": {"type": "object"}, **IDS,
                        },
                        "additionalProperties": False,
                    },
                    {
                        "required": ["name", "cat", "ph", "ts", "pid", "tid"],
                        "properties": {
                            "ph": {"const": "B"}, "name": {"type": "string"}, "cat": {"type": "string"},
                            "ts": {"type": "number"}, "args": {"type": "object"}, **IDS,
                        },
                        "additionalProperties": False,
                    },
                    {
                        "required": ["name", "ph", "pid", "args"],
                        "properties": {
                            "ph": {"const": "M"}, "name": {"enum": ["process_name", "thread_name"]}, "args": NAMES,
                            **IDS,
                        },
                        "additionalProperties": False,
                    },
                ]
            },
        },
    },
}  # fmt: skip
