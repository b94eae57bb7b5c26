"""What the code of a stream that cannot be read means, for `dmaverify explain`."""

from __future__ import annotations

from dmaverify.lang.codes import Code, register

STREAM = "DMA095"

register(
    Code(
        STREAM,
        "not a stream of events",
        "A stream is text with one JSON object in a line: an event with its arguments by name, "
        '`{"gap": N}` where N events were lost (0: nobody knows how many), `{"end": true, "complete": true}` '
        "where it ends. Events and arguments are those that the monitors' modules declare (spec/api.dma and "
        "what they import). An argument that the source does not know is left out. Numbers may be written as "
        'text ("0x8000_0000"), a record is an object, an enum case, device or region its name, a piece of '
        'memory {"start": …, "size": …}. Empty lines and lines that start with # are skipped.',
        '{"event": "taken", "what": 4096, "by": "page_allocator"}',
        '{"event": "taken", "what": {"start": "0x1000", "size": 4096}, "by": "page_allocator"}',
    )
)
