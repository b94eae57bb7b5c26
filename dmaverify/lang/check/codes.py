"""What the codes of the checker mean."""

from __future__ import annotations

from dmaverify.lang.codes import Code, register

register(
    Code(
        "DMA020",
        "a value of another type is wanted here",
        "Every value has a type, and a type does not turn into another one silently, except where no value "
        "can change: a number "
        "into a wider one, a T into a T?, a number written out into any integer type in which it fits.",
        "var n : u32 = true",
        "var n : u32 = 1",
    ),
    Code(
        "DMA021",
        "an address of another address space",
        "A CPU physical address, a bus address and a CPU virtual address are three kinds of numbers. The "
        "difference of two "
        "addresses of one space is a number of bytes, an address and a number of bytes make an address, "
        "and everything else has to "
        "be said: by the function that translates, or by a conversion such as dma_addr(x) where the "
        "numbers are known to agree.",
        "return Buffer { cpu, dma: page.start, size }",
        "return Buffer { cpu, dma: bus_of(dev, page.start), size }",
    ),
    Code(
        "DMA022",
        "another unit",
        "Bytes, pages and orders are different units. n << PAGE_SHIFT turns pages into bytes, n >> "
        "PAGE_SHIFT bytes into pages, and "
        "1 << order an order into pages, in the width of n as in C. A number without a unit may become one "
        "with a unit; "
        "the other way it has to be said, as in u32(n).",
        "gen_pool_free(pool, cpu, size >> PAGE_SHIFT)",
        "gen_pool_free(pool, cpu, size)",
    ),
    Code(
        "DMA023",
        "the value could change",
        "Only what keeps every value happens silently. From signed to unsigned, or to fewer bits, say "
        "which is meant: `x as T` (the "
        "value must not change; that is checked) or `T(x)`, the same as `x wrap T` (cut to the width, as a "
        "C cast does).",
        "let n : u32 = size",
        "let n = size as u32",
    ),
    Code(
        "DMA024",
        "this may be null",
        "A T? has to be asked before it is used as a T: in an `if x != null`, by `is`, `else`, `??`, or "
        "with `x!`, which is a check of "
        "its own in every run.",
        "cpu_store(ring.cpu, 16)",
        "assume ring != null\ncpu_store(ring.cpu, 16)",
    ),
    Code(
        "DMA025",
        "nothing says of which type this is",
        "null, {} and [] are of many types. Write the type behind the name, or use it where a type is "
        "wanted.",
        "let p = null",
        "let p : Page? = null",
    ),
    Code(
        "DMA026",
        "the number does not fit",
        "A number that is written out must be a value of its type.",
        "const N : u8 = 256",
        "const N : u16 = 256",
    ),
    Code(
        "DMA027",
        "this is not defined for such values",
        "An operator, a field, an index or an iteration that values of this type do not have.",
    ),
    Code(
        "DMA028",
        "not a type for this",
        "A type that is declared wrongly, or that cannot stand here: only finite index types may be keys "
        "of a map or elements of a "
        "stored set; ranges and places are never stored.",
    ),
    Code(
        "DMA029",
        "the language does not have this",
        "The grammar can be read this way, but nothing gives it a meaning.",
    ),
    Code(
        "DMA050",
        "unknown name",
        "Nothing of that name can be seen here. A module sees its own names and those of the modules that "
        "it imports.",
    ),
    Code(
        "DMA051",
        "a name of two things",
        "Two modules that are equally near declare the name. Put the module's name in front of it, or "
        "import only one of them.",
    ),
    Code(
        "DMA052", "declared twice", "One name, one thing: in one module, one scenario, one record, one body."
    ),
    Code(
        "DMA053",
        "wrong arguments",
        "A call gives one value for each parameter, in their order or by name, and may leave off those "
        "that have a default. "
        "A pattern of an event may leave off trailing arguments.",
    ),
    Code(
        "DMA054",
        "the match is not complete",
        "Some value is in no arm, or an arm comes too late to be reached. Write the missing cases, or else.",
    ),
    Code("DMA055", "not every path returns", "A func or proc with a result says on every path what it is."),
    Code(
        "DMA056",
        "never reached",
        "What stands behind a return, goto, break or continue runs only if a goto leads to it.",
    ),
    Code(
        "DMA057",
        "read before it is set",
        "On every path the local is still uninitialised here. Where only some paths leave it so, the tool "
        "finds them by running.",
    ),
    Code(
        "DMA058",
        "a goto that cannot be",
        "A goto leads forwards, to a label of the same or of an enclosing block, and not past a let whose "
        "name is read behind the label.",
    ),
    Code(
        "DMA059",
        "a ghost outside its monitor",
        "Ghosts are what a monitor knows. The model cannot see them; other monitors, lemmas and covers may "
        "read them as monitor.ghost.",
    ),
    Code(
        "DMA060",
        "an event clause looks at the model",
        "What stands under `on` judges models, kernel traces and C code alike, so it reads the event's "
        "arguments, ghosts and constants "
        "only. What has to look at the model's variables belongs under `always` or into a lemma.",
    ),
    Code(
        "DMA061",
        "a proc call inside an expression",
        "A proc takes steps; its calls stand alone, or as the whole right-hand side of a let, an "
        "assignment or a return, so that the "
        "order of steps can be seen.",
        "assert init(pool, dev) == 0",
        "let err = init(pool, dev)\nassert err == 0",
    ),
    Code("DMA062", "not allowed here", "A statement or expression that this kind of body does not have."),
    Code(
        "DMA063",
        "recursion without a bound",
        "Procs are copied into their callers, so a proc that calls itself says how deep: `proc f(t: Table) "
        "at most 3 deep { … }`. "
        "A func may not call itself.",
    ),
    Code(
        "DMA064",
        "an option without a value",
        "A module asks for something that only the board can say, and leaves no default. Set it under "
        "`hardware` or with `option`.",
    ),
    Code(
        "DMA065",
        "atomic in a model",
        "`atomic` is for hardware: it is one step for everybody, and so hides interleavings that a kernel "
        "really has. Take a lock.",
    ),
    Code(
        "DMA066", "never used", "The scenario declares it and nothing uses it: perhaps a name was misspelt."
    ),
    Code(
        "DMA067",
        "a scenario that cannot be",
        "A setting, an order or a place in the scenario that means nothing.",
    ),
    Code(
        "DMA068",
        "not a constant",
        "The size of a type, a setting or a bound must be known before anything runs.",
    ),
    Code(
        "DMA069",
        "memory that cannot be",
        "A region, a place or a block whose address or size makes no sense.",
    ),
    Code(
        "DMA070",
        "regions overlap",
        "Two regions of the scenario share memory. Say `overlaps` in one of them if that is meant.",
    ),
    Code("DMA071", "unknown property", "No monitor, lemma or built-in property has this name."),
    Code("DMA072", "unknown fault", "No proc of the model asks for a fault of this name."),
    Code(
        "DMA073",
        "the board cannot be",
        "A module in use requires something of the options, and the scenario sets them otherwise.",
    ),
)
