"""The state in the words of others, and theirs in ours: pure functions between plain values.

    host, boot files -> state      host.py, host_values.py, boot.py
    nmstate -> state               nmstate_in.py, over documents.py
    state -> nmstate               nmstate_out.py
    state -> Multus definitions    nad.py

What cannot be carried over is never dropped in silence: it is a Note.
"""
