"""What `run.sh` has measured, as medians of the rounds; ratios are taken within a round."""

import collections
import statistics
import sys

rounds = collections.defaultdict(dict)
for line in sys.stdin:
    number, row, each = line.split()
    rounds[int(number)][row] = float(each)
rounds = [rounds[number] for number in sorted(rounds) if number > 0]


def median(of):
    return statistics.median(of(row) for row in rounds)


def added(row, public):
    return lambda each: each[row] - each[public]


def show(name, of, than=None, base=""):
    ratio = "" if than is None else f"{median(lambda each: of(each) / than(each)):.2f} x {base}"
    print(f"{name:<52} {median(of):7.2f} µs   {ratio}".rstrip())


def public(each):
    return each["public"]


by_hand = added("hand", "hand-public")
show("ours, public route", public)
show("ours, public route, a token that nobody reads", lambda each: each["unread"], public, "public")
show("ours, one token", lambda each: each["one"], public, "public")
show("ours, 2000 tokens", lambda each: each["many"], public, "public")
jwts = added("jwts", "others-public")
show("with API keys and introspection, 2000 JWTs, added", jwts)
show("2000 opaque tokens, added", added("opaque", "others-public"), jwts, "JWTs")
show("2000 API keys, added", added("keys", "others-public"), jwts, "JWTs")
show("2000 API keys as bearer tokens, added", added("bearer-keys", "others-public"), jwts, "JWTs")
show("ours, cache off", lambda each: each["off"])
show("by hand, public route", lambda each: each["hand-public"])
show("by hand, every token", lambda each: each["hand"])
show("every signature and nothing else", lambda each: each["signature"])
show("added for a new token, ours", added("off", "off-public"), by_hand, "by hand")
show("added for a signature and nothing else", added("signature", "hand-public"), by_hand, "by hand")
show("added for a new token, by hand", by_hand)
