"""rosbag2's SQLite files (.db3): a table of topics and one of messages."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Set
from contextlib import closing, suppress
from pathlib import Path

from c2p_deploy.errors import CloudFileError, reason_of
from c2p_deploy.io.common import damaged, quoted
from c2p_deploy.io.recording.source import MOST_CHANNELS, Channel, Message, Source

MAGIC = b"SQLite format 3\0"
_COLUMNS = {
    "topics": {"id", "name", "type", "serialization_format"},
    "messages": {"topic_id", "timestamp", "data"},
}
_ALL = "SELECT topic_id, timestamp, data FROM messages"


def open_sqlite(path: Path) -> Source:
    """The channels of a .db3 file. What a recorder that was killed left in NAME.db3-wal is not seen.

    SQLite fills up the last page of a file that is cut off with zeros. The message that they fall into is the
    last of its topic that can be read; so of such a file the last of each topic is not given.
    """
    wal = path.with_name(f"{path.name}-wal")
    damage = None
    pages, there = _pages(path)
    if cut_off := there < pages:
        damage = damaged("is cut off")
    elif wal.is_file() and wal.stat().st_size:
        damage = damaged(f"is not complete: its last messages are in {wal.name}")
    try:
        with closing(_connect(path)) as database:
            topics = database.execute("SELECT id, name, type, serialization_format FROM topics")
            rows = topics.fetchmany(MOST_CHANNELS)
            if damage is None:
                counts = dict(database.execute("SELECT topic_id, COUNT(*) FROM messages GROUP BY topic_id"))
            else:
                counts = _counted(database, cut_off)
    except sqlite3.Error as error:
        raise _refusal(error) from error
    channels = {
        number: Channel(str(topic), str(kind).replace("/msg/", "/"), str(encoding), counts.get(number, 0))
        for number, topic, kind, encoding in rows
        if isinstance(number, int)
    }

    def messages(wanted: Set[int]) -> Iterator[Message]:
        held: dict[int, Message] = {}
        try:
            with closing(_connect(path)) as database:
                for number, time, data in database.execute(_ALL):
                    if number not in wanted or not isinstance(time, int) or not isinstance(data, bytes):
                        continue
                    message = Message(number, time, data)
                    if not cut_off:
                        yield message
                    elif (whole := held.get(number)) is not None:
                        yield whole
                    if cut_off:
                        held[number] = message
        except sqlite3.Error as error:
            raise _refusal(error) from error

    return Source(channels, messages, damage)


def _pages(path: Path) -> tuple[int, float]:
    """How many pages the header says there are, and how many there are."""
    with path.open("rb") as file:
        header = file.read(32).ljust(32, b"\0")
    page = int.from_bytes(header[16:18], "big")
    size = page if page > 1 else 1 << 16
    return int.from_bytes(header[28:32], "big"), path.stat().st_size / size


def _counted(database: sqlite3.Connection, cut_off: bool) -> Counter[int]:
    """Messages by topic, as far as they can be read."""
    counts: Counter[int] = Counter()
    with suppress(sqlite3.DatabaseError):
        counts.update(number for number, _, _ in database.execute(_ALL))
    return Counter({number: count - cut_off for number, count in counts.items()})


def _connect(path: Path) -> sqlite3.Connection:
    """Opened to be read only, without a look at files beside it; the tables are tables of plain columns.

    A view, or a column that is computed, would have SQLite compute what the file says.
    """
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    database = sqlite3.connect(address, uri=True, check_same_thread=False)
    try:
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA writable_schema = ON")  # reads of a file that is cut off what is there
        for table, columns in _COLUMNS.items():
            kinds = database.execute(
                "SELECT type, sql FROM sqlite_master WHERE name = ?", (table,)
            ).fetchall()
            plain = {
                name for _, name, *_, hidden in database.execute(f"PRAGMA table_xinfo({table})") if not hidden
            }
            if (
                [kind for kind, _ in kinds] != ["table"]
                or "virtual" in kinds[0][1].lower()
                or not columns <= plain
            ):
                raise damaged(f"is an SQLite file without rosbag2's table {table!r}")
    except BaseException:
        database.close()
        raise
    return database


def _refusal(error: sqlite3.Error) -> CloudFileError:
    return damaged(f"is not whole ({quoted(reason_of(error))})")
