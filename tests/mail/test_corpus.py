"""Mail as programs write it: each sample is read as the file beside it says."""

import pytest

from tests.mail.samples import FOLDER, SAMPLES, Sample, as_read


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_it_is_read_as_it_is_meant(sample: Sample) -> None:
    read = as_read(sample.raw)
    expected = {name: sample.expected[name] for name in read}

    assert read == expected


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_it_is_read_alike_after_its_line_ends_were_changed(sample: Sample) -> None:
    unix = sample.raw.replace(b"\r\n", b"\n")

    assert as_read(unix) == as_read(sample.raw)


def test_every_sample_has_both_its_files() -> None:
    mails = {path.stem for path in FOLDER.glob("*.eml")}
    told = {path.stem for path in FOLDER.glob("*.yaml")}

    assert mails == told
    assert len(list(FOLDER.iterdir())) == 2 * len(mails)
