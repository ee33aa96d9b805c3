"""What the end-to-end tests stand on: processes, peers, a client, a sink."""
