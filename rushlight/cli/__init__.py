"""The command line, `python -m rushlight`: one file a command."""
