"""How fast ingest, refine and score are, beside the bare Spark job and beside Polars with delta-rs."""
