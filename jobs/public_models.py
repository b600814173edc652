"""Public checkpoints that suit this pipeline: what `prep-corpus models` lists. Nothing here is ever downloaded.

The facts were written down without fetching the checkpoints and have not been compared with their cards; the card of a
checkpoint counts. Sizes are rounded.
"""

from __future__ import annotations

from dataclasses import dataclass

SEE_CARD = "see its card"


@dataclass(frozen=True, kw_only=True)
class PublicModel:
    """A checkpoint that anybody may fetch.

    Attributes:
        name: ORGANISATION/NAME on the Hugging Face hub.
        languages: tags, or ("many",).
        family: `model_type` of its config, as transformers has it.
        licence: as its card states it.
        tokens: what it spells with.
        frame_ms: length of a frame, in milliseconds.
        megabytes: size of its weights, about.
        note: what else one must know, or nothing.
    """

    name: str
    languages: tuple[str, ...]
    family: str
    licence: str
    tokens: str
    frame_ms: int
    megabytes: int
    note: str = ""

    @property
    def folder(self) -> str:
        """Where the command puts it that fetches it."""
        return self.name.rpartition("/")[2]

    @property
    def how(self) -> str:
        """The command that fetches it."""
        return f"hf download {self.name} --local-dir {self.folder}"

    def speaks(self, tag: str) -> bool:
        """Whether it knows a language, by its primary subtag."""
        return self.languages == ("many",) or tag in self.languages


def _letters(name: str, language: str, family: str = "wav2vec2", megabytes: int = 1_260) -> PublicModel:
    return PublicModel(
        name=name,
        languages=(language,),
        family=family,
        licence="Apache-2.0",
        tokens="characters",
        frame_ms=20,
        megabytes=megabytes,
    )


_XLSR = {
    "ar": "arabic",
    "de": "german",
    "el": "greek",
    "es": "spanish",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "ja": "japanese",
    "nl": "dutch",
    "pl": "polish",
    "pt": "portuguese",
    "ru": "russian",
    "zh": "chinese-zh-cn",
}

PUBLIC_MODELS = (
    _letters("facebook/wav2vec2-base-960h", "en", megabytes=380),
    _letters("facebook/wav2vec2-large-960h-lv60-self", "en"),
    _letters("facebook/hubert-large-ls960-ft", "en", "hubert"),
    _letters("facebook/data2vec-audio-base-960h", "en", "data2vec-audio", megabytes=375),
    PublicModel(
        name="nvidia/parakeet-ctc-0.6b",
        languages=("en",),
        family="parakeet_ctc",
        licence="CC-BY-4.0",
        tokens="1,024 pieces",
        frame_ms=80,
        megabytes=2_440,
        note="needs librosa",
    ),
    PublicModel(
        name="nvidia/parakeet-ctc-1.1b",
        languages=("en",),
        family="parakeet_ctc",
        licence="CC-BY-4.0",
        tokens="1,024 pieces",
        frame_ms=80,
        megabytes=4_250,
        note="needs librosa",
    ),
    PublicModel(
        name="ibm-granite/granite-speech-5.0-470m-turboctc",
        languages=("en",),
        family="granite_speech5_ctc",
        licence=SEE_CARD,
        tokens="16,384 pieces",
        frame_ms=80,
        megabytes=1_900,
        note="needs torchaudio",
    ),
    PublicModel(
        name="google/medasr",
        languages=("en",),
        family="lasr_ctc",
        licence=SEE_CARD,
        tokens="512 pieces",
        frame_ms=40,
        megabytes=420,
        note="medical dictation",
    ),
    *(_letters(f"jonatasgrosman/wav2vec2-large-xlsr-53-{name}", tag) for tag, name in _XLSR.items()),
    PublicModel(
        name="facebook/mms-1b-all",
        languages=("many",),
        family="wav2vec2",
        licence="CC-BY-NC-4.0",
        tokens="characters of each language",
        frame_ms=20,
        megabytes=3_860,
        note="over 1,100 languages, each with an adapter, by the manifest's lang or FOLDER@deu; not for commerce",
    ),
    PublicModel(
        name="MahmoudAshraf/mms-300m-1130-forced-aligner",
        languages=("many",),
        family="wav2vec2",
        licence="CC-BY-NC-4.0",
        tokens="Latin letters alone",
        frame_ms=20,
        megabytes=1_260,
        note="aligns over 1,100 languages in Latin letters, with --romanize; not for commerce",
    ),
    PublicModel(
        name="hf-audio/omniasr-ctc-300m-v2",
        languages=("many",),
        family="omniasr_ctc",
        licence="Apache-2.0",
        tokens="10,288 characters",
        frame_ms=20,
        megabytes=1_300,
        note="over 1,600 languages in one vocabulary",
    ),
)
