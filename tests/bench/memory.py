"""memory -- what the delivery memory costs a message.

Gateways that differ in their store alone: none, LMDB, Redis. Each message is
new, so that it is claimed before it is delivered and kept behind that.
"""
import greylist
import servers

LOAD = "memory"
WITHOUT = "no memory"
SESSIONS = 20
BAR = {"LMDB": 2.2, "Redis": 1.7}


def measure(bench, binary, sink, peers):
    redis, rows = None, []
    stores = {WITHOUT: "", "LMDB": greylist.lmdb(bench, "memory")}
    try:
        try:
            redis, socket = servers.redis(peers, bench.folder)
        except servers.Missing as why:
            print(f"without redis: {why}")
        else:
            stores["Redis"] = f'store {{ address "redis:unix:{socket}" }}\n'
        for name, store in stores.items():
            server = servers.forepost(
                binary, bench.folder, sink,
                "memory-" + name.lower().replace(" ", "-"), store)
            server.name = name
            server.redis = redis if name == "Redis" else None
            bench.servers[name] = server
            rows.append(server)
        n = 500 if bench.quick else 4000
        print(f"  {LOAD}", flush=True)
        for _ in range(bench.repeat):
            for server in rows:
                greylist.one(bench, LOAD, server, "-l", 4096, "-s", SESSIONS,
                             "-n", n)
    finally:
        for server in rows:
            bench.servers.pop(server.name).program.stop()
        if redis:
            redis.stop()


def show(bench, report):
    print("\nThe delivery memory: 4 KiB messages, 20 sessions, a new "
          "connection each")
    report.table(
        ["", "CPU us/message", "of that without", "Redis us/message"],
        [[name, f"{bench.median(LOAD, name, 'cpu'):.1f}",
          f"{greylist.ratio(bench, LOAD, name, WITHOUT):.2f}"
          if name != WITHOUT else "",
          f"{bench.median(LOAD, name, 'redis'):.1f}"
          if bench.median(LOAD, name, "redis") is not None else ""]
         for name in bench.samples[LOAD]])
    for name, bar in BAR.items():
        if name in bench.samples[LOAD]:
            report.bar(f"the delivery memory in {name}: CPU of that without",
                       greylist.ratio(bench, LOAD, name, WITHOUT), bar, "")
