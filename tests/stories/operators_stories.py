"""The stories themselves; what an easy reading would get wrong stands in each docstring."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from operators_worlds import (
    BEGIN,
    BUSY,
    DEVELOPER,
    END,
    ETL,
    FLAT,
    OFFICE,
    START,
    Tale,
    Work,
    address,
    arrival,
    do,
    laptop_agent,
    look_round,
    newer,
    one_call,
    owner,
    server_agent,
    steal,
    take,
    thief_agent,
)  # fmt: skip


def rented_server(tale: Tale) -> None:
    """Another address, another agent: the plain case."""
    made = owner(tale)
    steal(tale, made, address(tale.rng), thief_agent(tale.rng))


def several_exits(tale: Tale) -> None:
    """One hand through a VPN's many exits, with two tools."""
    made, rng = owner(tale), tale.rng
    agents = [thief_agent(rng), thief_agent(rng)]
    for _ in range(rng.randrange(3, 6)):
        steal(tale, made, address(rng), rng.choice(agents))


def same_kind_of_client(tale: Tale) -> None:
    """The intruder's client is of the owner's make, in another version, on a rented server of the same cloud."""
    made = owner(tale)
    steal(tale, made, address(tale.rng), newer(tale.rng, made.web[1]), quiet=tale.rng.random() < 0.5)


def shared_address(tale: Tale) -> None:
    """Behind the owner's own NAT, with another agent."""
    made = owner(tale)
    steal(tale, made, made.web[0], thief_agent(tale.rng), quiet=tale.rng.random() < 0.3)


def neighbour(tale: Tale) -> None:
    """From the owner's /24, by a VPN near by."""
    made = owner(tale)
    steal(tale, made, address(tale.rng, block=made.web[0]), thief_agent(tale.rng))


def imitation(tale: Tale) -> None:
    """The owner's agent to the letter, from another network: the agent says nothing."""
    made = owner(tale)
    steal(tale, made, address(tale.rng), made.web[1], own=0.7, quiet=tale.rng.random() < 0.6)


def low_and_slow(tale: Tale) -> None:
    """A few reads an hour or a night for days, of the owner's own prefixes: no burst, nothing refused."""
    made, rng = owner(tale), tale.rng
    agent = rng.choice((thief_agent(rng), made.web[1], newer(rng, made.web[1])))
    where, time = address(rng), arrival(tale)
    step = rng.choice((900, 2400, 6000))
    night = rng.random() < 0.4
    while time < END - timedelta(minutes=5):
        if not night or time.hour < 6:
            one_call(tale, "intruder", where, agent, "GetObject", rng.choice(made.web[2].places), time, rng)
        time += timedelta(seconds=max(20, rng.expovariate(1 / step)))


def in_the_console(tale: Tale) -> None:
    """A browser, at the hours of an office."""
    made, rng = owner(tale), tale.rng
    agent = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/12{rng.randrange(9)}.0.0.0 Safari/537.36"
    time = look_round(tale, where := address(rng), agent, arrival(tale), made.others[:2])
    take(tale, where, agent, time, f"{made.others[0]}/", rng.randrange(10, 60), 40)


def already_there(tale: Tale) -> None:
    """The intruder came days before the window: the baseline holds them."""
    made, rng = owner(tale), tale.rng
    where, agent = address(rng), thief_agent(rng)
    time = BEGIN - timedelta(hours=rng.uniform(20, 80))
    time = look_round(tale, where, agent, time, made.others[:1])
    take(tale, where, agent, time, f"{made.others[0]}/", rng.randrange(40, 120), 9)
    steal(tale, made, where, agent, own=0.3)


def behind_a_deployment(tale: Tale) -> None:
    """The owner deploys a new version, and an intruder comes the same day."""
    made = _deploys(tale)
    steal(tale, made, address(tale.rng), thief_agent(tale.rng))


def _deploys(tale: Tale):  # type: ignore[no-untyped-def]
    rng = tale.rng
    moment = BEGIN + timedelta(hours=rng.uniform(20, 110))
    made = owner(tale, web_end=moment + timedelta(minutes=rng.randrange(0, 40)))
    where, agent, work = made.web
    place = rng.choice((where, where, address(rng, block=where), address(rng)))
    do(tale, "owner", place, newer(rng, agent) if place == where or rng.random() < 0.7 else agent, work, moment, END)
    return made


def deployment(tale: Tale) -> None:
    """Quiet. The owner's software in a new version, at the same address, in the same block, or moved elsewhere."""
    _deploys(tale)


def weekend_job(tale: Tale) -> None:
    """Quiet. A job that runs at weekends alone, reads everything, and has an agent of its own."""
    made, rng = owner(tale), tale.rng
    where = rng.choice((made.web[0], address(rng, block=made.web[0])))
    agent, start = server_agent(rng), rng.randrange(1, 5)
    minute = rng.randrange(60)
    day = START
    places = [f"{made.others[0]}/", *made.web[2].places]
    while day < END:
        if day.weekday() > 4:
            time = day + timedelta(hours=start, minutes=minute)
            for place in places:
                one_call(tale, "owner", where, agent, "ListObjects", place, time, rng)
                for _ in range(rng.randrange(10, 40)):
                    time += timedelta(seconds=rng.randrange(1, 9))
                    one_call(tale, "owner", where, agent, "GetObject", place, time, rng)
        day += timedelta(days=1)


def _developers(tale: Tale, count: int, made_others: list[str], places: list[str]) -> None:
    rng = tale.rng
    office = address(rng)
    for _ in range(count):
        agent, home = laptop_agent(rng), address(rng)
        day = START
        while day < END:
            if day.weekday() < 5:
                choice = rng.random()
                where = office if choice < 0.5 else home if choice < 0.8 else address(rng)
                work = Work(DEVELOPER, [*places, f"{made_others[-1]}/dev/"], rng.randrange(8, 25), OFFICE)
                do(tale, "owner", where, agent, work, day, day + timedelta(days=1))
            day += timedelta(days=1)


def roaming_developers(tale: Tale) -> None:
    """Quiet. Laptops at the office, at home, in trains and hotels: addresses that nobody has seen."""
    made = owner(tale)
    _developers(tale, tale.rng.randrange(1, 3), made.others, list(made.web[2].places))


def among_developers(tale: Tale) -> None:
    """The same laptops, and an intruder."""
    made = owner(tale)
    _developers(tale, 1, made.others, list(made.web[2].places))
    steal(tale, made, address(tale.rng), thief_agent(tale.rng))


def hosted_builds(tale: Tale) -> None:
    """Quiet. Builds on a hosted service: another address each time."""
    made, rng = owner(tale), tale.rng
    agent = "aws-cli/2.15.30 Python/3.11.8 Linux/6.5.0-1016-azure exe/x86_64.ubuntu.22 prompt/off command/"
    day = START
    while day < END:
        for _ in range(rng.randrange(1, 4) if day.weekday() < 5 else 0):
            time, where = day + timedelta(hours=rng.uniform(7, 18)), address(rng)
            for name in ("sts.GetCallerIdentity", *("PutObject",) * rng.randrange(4, 12), "ListObjects"):
                time += timedelta(seconds=rng.randrange(1, 9))
                one_call(tale, "owner", where, agent, name, f"{made.others[1]}/builds/", time, rng)
        day += timedelta(days=1)


def quiet(tale: Tale) -> None:
    """Quiet. A key was reported, and nothing came of it."""
    made = owner(tale, etl=True)
    rng = tale.rng
    do(tale, "owner", address(rng, block=made.web[0]), server_agent(rng), Work(ETL, [f"{made.others[1]}/"], 25, FLAT, 1.0),
       START, END)  # fmt: skip


def busy_day(tale: Tale) -> None:
    """Quiet. A backfill: the owner's batch reads ten times as much on one day of the window, at night as well."""
    made, rng = owner(tale, etl=True), tale.rng
    assert made.etl
    where, agent, work = made.etl
    start = BEGIN + timedelta(hours=rng.uniform(10, 100))
    more = Work(work.mix, work.places, work.per_day * 40, BUSY, 1.0, work.dated)
    do(tale, "owner", where, agent, more, start, min(END, start + timedelta(hours=9)))


STORIES: dict[str, Callable[[Tale], None]] = {
    one.__name__: one
    for one in (
        rented_server, several_exits, same_kind_of_client, shared_address, neighbour, imitation, low_and_slow,
        in_the_console, already_there, behind_a_deployment, among_developers,
        quiet, deployment, weekend_job, roaming_developers, hosted_builds, busy_day,
    )
}  # fmt: skip
QUIET = {"quiet", "deployment", "weekend_job", "roaming_developers", "hosted_builds", "busy_day"}


def tell(name: str, seed: int) -> Tale:
    """A story by its name."""
    tale = Tale(seed, Random(f"{name}:{seed}"))
    STORIES[name](tale)
    return tale
