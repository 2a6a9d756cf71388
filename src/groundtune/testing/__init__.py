"""Contract tests and fakes for implementations of `groundtune.protocols`, ours and other people's."""
