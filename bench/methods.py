"""How each part of the bench measures, in the words of the page."""

from __future__ import annotations

THROUGHPUT_METHOD = """\
Page views are generated; Leadhouse's jobs work on them, and beside each the bare Spark job that does only the same
reads and writes, and a program without Spark. Seconds are the median of the runs, each on a fresh lake, in one session
that, unless there is little to do, has been warmed up on a small workload. Opening lake and session isn't counted. A ratio is Leadhouse's rows/s over
the other's: 1 is as fast, 0.5 takes twice as long.

| | Leadhouse | Bare Spark (`bench/floors.py`, `bench/scoring.py`) | Without Spark |
|---|---|---|---|
| ingest | the job: files listed and fingerprinted, bytes checked, `bronze.files` and `bronze.records` written, counted, book-keeping, lineage | files read as text, the columns of `bronze.records` written with the same kind of record_id; the position is a running number, not a byte | as for refine |
| ingest from Kafka | the job, on the same lines as messages that a local broker has in two partitions: topic and offsets listed, taken in micro-batches of at most 500,000 (the default), `bronze.offsets` and `bronze.records` written, counted, book-keeping, lineage; sending isn't counted | the topic read from its first message to its last, the same columns of `bronze.records` written with the same kind of record_id; nothing listed or counted | – |
| refine | the job without deriving the leads: records → items, row rules, gate, deduplication, `silver.quarantine`, `items`, `signals`, `identity_links`, `identities`, book-keeping, lineage | the same bronze read, `from_json` with a typed schema, one pass of rules that keeps the first reason, the same five tables written with the same columns and keyed ids; no gate, no deduplication (repeats are written), nothing known is read, no byte-level checks, no book-keeping | Polars parses the files, types and splits them, delta-rs writes silver and quarantine; no bronze, no ids or hashes, no deduplication, no gate |
| ingest + refine | both jobs | both bare jobs | the same as above: from files to silver and quarantine |
| ingest + refine, beside dlt | the same | – | dlt, measured once, loads the files into Delta: what is JSON typed and flattened, other lines apart; no rules, no gate, no deduplication, no bronze |
| through decisions | ingest and refine as above; then the CRM's export of the leads behind half of the visitors lands on the same lake and is ingested and refined, identities are resolved and the leads derived; features of all leads are computed, scored and decided on; a model of 200 trees is learned before scoring from 5,000 of the leads with made-up outcomes, which isn't counted | – | – |
| score | the job: champion looked up, model checked by its hash, features read, calibrated, graded, trend, `gold.lead_scores` overwritten, book-keeping | the same features read, the same trees by plain XGBoost in `mapInArrow`, the same columns written; no calibration, no trend, no look-up | the same trees by plain XGBoost on all cores; delta-rs reads and writes, without grade and hash |

dlt isn't among the packages that `make setup` installs. To measure it, make a virtual environment of its own, in it
`pip install "dlt[deltalake]"`, and name its Python: `python -m leadhouse.bench throughput --dlt-python DIR/bin/python`.

The run fails if a message, a score or a decision is missing, or if refine doesn't find exactly the bad and the repeated
events that were generated.
"""  # noqa: E501 - a table's rows are long

LATENCY_METHOD = """\
Messages go to a real broker, each with the moment at which it was due. A signal's time ends when the first batch of
decisions that knows of it is complete, whether or not it made another decision of it: the book of batches says which
one that is. `leadhouse run --follow` is a process of its own: files and topics are listed, every record is
kept, parsed, judged by the gate, deduplicated and resolved, the features of all leads are computed anew, scored and
decided on. Beside it, on the same session settings, what one writes without thinking of latency
(`bench/naive_chain.py`): a streaming query for each of three tables, bronze by appends, silver by MERGE on the id,
decisions by appends; no gate, no quarantine, no identity, no features, no ledger. Each has decided a first signal
before the clock starts.
"""

GROWTH_METHOD = """\
A micro-batch of clicks of the same leads lands as a file and is taken through ingest, refine, feature, score and decide
in a warm session, as following jobs do: the leads are ranked anew once an hour of the clicks' time, a minute a batch.
The table has the seconds until the decisions are committed. The history was refined as one batch
before, so that the tables have few large files. Bytes read are those that Python and JVM read, from the page cache too,
for each byte that landed. The coefficients are fitted by least squares to the lines of the table: with as many lines as
coefficients they go through each.
"""

MEMORY_METHOD = """\
Small batches of clicks are taken through ingest, refine, feature, score and decide one after another; after each, the
resident memory of the driver's two processes, Python and JVM, is read. The lake is maintained as `run --follow` does it
where something always arrives, which isn't counted in a batch's time.
"""

TRAINING_METHOD = """\
Generated leads over a year, one example of each, with gaps; no Spark. Each side is a process of its own, whose peak
counts until the model is trained; Leadhouse's holds the examples as maps too, as the train job gets them. Leadhouse
reads and encodes them, looks for leaks, judges on later leads beside three baselines, calibrates on held-out leads,
draws intervals, and fits on everything: several fits. Plain XGBoost fits once, on the same arrays, with the same
parameters and as many trees. Scoring, by the same trees, is on all cores in batches of 10,000: Leadhouse's from maps
to probability, interval and grade, by a process per core, as the workers of the score job do it; plain XGBoost's from
the array, by its threads. A ratio is Leadhouse's figure over the other's.
"""
