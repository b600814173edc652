"""The settings that shape shards: noise, formats, splits and order."""

from __future__ import annotations

from dataclasses import dataclass

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.settings import BABBLE, POSITIVE, SEED, SHARDS, SHARE, Parameter, setting

FORMATS = ("parquet", "tfrecord", "webdataset", "shar")
_BUCKET = "^(gs|s3)://[^/]+/.+$"


def parse_splits(shares: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """The share of each split from NAME=SHARE; what is left over is train.

    Raises:
        UsageError: another form, or a name twice.
    """
    if not shares:
        return (("train", 1.0),)
    parsed: list[tuple[str, float]] = []
    for share in shares:
        name, _, value = share.partition("=")
        if not name.isidentifier() or not value.replace(".", "", 1).isdigit():
            raise UsageError(f"--split takes NAME=SHARE, such as dev=0.02; not {share!r}")
        parsed.append((name, float(value)))
    if len({name for name, _ in parsed}) < len(parsed):
        raise UsageError(f"--split names must differ, not {', '.join(name for name, _ in parsed)}")
    rest = 1 - sum(share for _, share in parsed)
    if rest > 1e-9 and "train" not in dict(parsed):
        parsed.insert(0, ("train", round(rest, 9)))
    return tuple(parsed)


def split_words(splits: tuple[tuple[str, float], ...]) -> list[str]:
    """What `parse_splits` makes them of; all of them, so that none is worked out anew."""
    # Shares under 0.0001 are written out, since --split takes digits and a point alone.
    from decimal import Decimal

    return [f"{name}={Decimal(repr(float(share))):f}" for name, share in splits]


@dataclass(frozen=True, kw_only=True)
class ShardSettings:
    """Noise, formats, splits and order."""

    noise: str | None = setting(
        None,
        "--noise",
        "Folder or manifest of noise clips.",
        kind=str,
        metavar="PATH",
        default_about="generated noise",
        group=SHARDS,
        to="write.noise_uri",
        parameter=Parameter(regex=_BUCKET),
    )
    babble: bool = setting(
        False,
        "--babble",
        "Add babble made of the corpus's own recordings to the noise.",
        group=BABBLE,
        to="write",
    )
    noise_fraction: float = setting(
        0.4,
        "--noise-fraction",
        "Share of utterances that get noise.",
        allowed=SHARE,
        group=SHARDS,
        to="noise.fraction",
        parameter=Parameter(label="Share with noise"),
    )
    snr_db: tuple[float, float] = setting(
        (0.0, 30.0),
        "--snr-db",
        "Lowest and highest signal-to-noise ratio of noisy utterances, in dB.",
        kind=float,
        count=2,
        metavar="MIN MAX",
        unit="dB",
        group=SHARDS,
        to="noise.snr_db",
        parameter=Parameter(label="Speech over noise"),
    )
    level_db: tuple[float, float] | None = setting(
        None,
        "--level-db",
        "Lowest and highest change of level of the noisy utterances, in dB.",
        kind=float,
        count=2,
        metavar="MIN MAX",
        unit="dB",
        group=SHARDS,
        to="noise.level_db",
        parameter=Parameter(label="Levels"),
    )
    rooms: str | None = setting(
        None,
        "--rooms",
        "Folder or manifest of room impulse responses.",
        kind=str,
        metavar="PATH",
        group=SHARDS,
        to="write.rooms_uri",
        parameter=Parameter(regex=_BUCKET),
    )
    room_fraction: float = setting(
        0.5,
        "--room-fraction",
        "Share of the noisy utterances that are put into a room, where there are rooms.",
        allowed=SHARE,
        group=SHARDS,
        to="noise",
        parameter=Parameter(label="Share in rooms"),
    )
    formats: tuple[str, ...] = setting(
        ("parquet",),
        "--format",
        "Shard format; may be repeated.",
        kind=str,
        choices=FORMATS,
        repeated=True,
        group=SHARDS,
        to="write.formats",
        parameter=Parameter(
            name="formats",
            label="Formats",
            about="Shard formats, with commas between: " + ", ".join(FORMATS) + ".",
        ),
    )
    audio_format: str = setting(
        "flac",
        "--audio-format",
        "Format of the audio inside the shards; Opus is lossy.",
        choices=("flac", "wav", "opus"),
        group=SHARDS,
        to="write.audio_format",
    )
    tfrecord_gzip: bool = setting(
        False,
        "--tfrecord-gzip",
        "Compress TFRecord files.",
        group=SHARDS,
        to="write.gzip",
        parameter=Parameter(label="Compressed TFRecord"),
    )
    shard_mb: float = setting(
        256.0,
        "--shard-mb",
        "Target size of a shard, in MB.",
        unit="10^6 bytes",
        allowed=POSITIVE,
        group=SHARDS,
        to="plan",
        parameter=Parameter(label="Shard size", about="Target size of a shard, in 10^6 bytes."),
    )
    splits: tuple[tuple[str, float], ...] = setting(
        (("train", 1.0),),
        "--split",
        "Share of a split, such as dev=0.02; may be repeated. The rest is train.",
        kind=str,
        repeated=True,
        metavar="NAME=SHARE",
        parse=parse_splits,
        words=split_words,
        group=SHARDS,
        to="plan.splits",
        parameter=Parameter(
            name="splits",
            label="Splits",
            about="Shares of splits, such as dev=0.02,test=0.02, with commas between. The rest is train.",
            regex="^[A-Za-z_][A-Za-z0-9_]*=0?\\.[0-9]+(,[A-Za-z_][A-Za-z0-9_]*=0?\\.[0-9]+)*$",
        ),
    )
    split_by: str = setting(
        "auto",
        "--split-by",
        "What stays whole in one split; auto: speaker where known, else recording.",
        choices=("auto", "speaker", "recording"),
        group=SHARDS,
        to="plan.split_by",
    )
    split_read: bool = setting(
        False,
        "--split-read",
        "Put utterances with words that the model reads into splits of their own: train_read beside train.",
        off_flag="--no-split-read",
        default_about="off; of an export, as in its run",
        group=SHARDS,
        to="plan.split_read",
    )
    order: str = setting(
        "shuffle",
        "--order",
        "Order of utterances in the shards.",
        choices=("shuffle", "length"),
        group=SHARDS,
        to="plan.order",
    )
    seed: int = setting(
        0,
        "--seed",
        "Seed of every random choice.",
        group=SEED,
        to=("plan.seed", "write.seed"),
        parameter=Parameter(regex="^[0-9]{1,18}$"),
    )
