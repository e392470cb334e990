"""Lumerical tables: what they say is what the part does; what they must not say is refused in words."""

import os
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devsim.check import InputError
from devsim.devices.photonic.light import SPEED_OF_LIGHT
from devsim.exchange.lumerical import read_lumerical
from tests.exchange.tables import LUMERICAL

DATA = Path(os.environ.get("DEVSIM_DATA", "shared/data")) / "photonics" / "sparam"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="DEVSIM_DATA names no folder with photonics/sparam")


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "part.sparam"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_the_part_has_the_numbers_of_the_file_at_its_frequencies(written):
    part = read_lumerical(written(LUMERICAL))
    assert part.names == ("port_1", "port_2")
    for f, size, phase in ((1.90e14, 0.9, 1.0), (1.92e14, 0.8, 2.0), (1.94e14, 0.7, 3.0)):
        found = part.set("wavelength", SPEED_OF_LIGHT / f).scattering()
        np.testing.assert_allclose(found[1, 0], size * np.exp(1j * phase), rtol=1e-9)
        np.testing.assert_allclose(np.abs(found[0, 0]), 0.1, rtol=1e-9)
        assert found[0, 1] == found[1, 1] == 0


def test_rows_may_fall_in_frequency(written):
    head, *rows = LUMERICAL.split("(3,3)\n")
    turned = [head] + ["\n".join([*reversed(r.splitlines()[:3]), *r.splitlines()[3:]]) + "\n" for r in rows]
    a, b = (read_lumerical(written(text)).scattering() for text in (LUMERICAL, "(3,3)\n".join(turned)))
    np.testing.assert_array_equal(a, b)


def test_the_group_delay_of_a_header_turns_the_phase_about_the_middle(written):
    delay, header = 2e-12, '"port 1",1,"transmission")\n(3,3)\n1.90e14 0.9'
    part = read_lumerical(written(LUMERICAL.replace(header, header.replace('")', f'",{delay})'))))
    for f, size, phase in ((1.90e14, 0.9, 1.0), (1.94e14, 0.7, 3.0)):
        found = part.set("wavelength", SPEED_OF_LIGHT / f).scattering()[1, 0]
        expected = size * np.exp(1j * (phase + 2 * np.pi * delay * (f - 1.92e14)))
        np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_one_mode_is_chosen_by_label_or_number(written):
    both = LUMERICAL + LUMERICAL.partition('"RIGHT"]\n')[2].replace('"TE",1', '"TM",2').replace('",1,"t', '",2,"t').replace(
        " 0.9 ", " 0.3 "
    )
    path = written(both)
    first = SPEED_OF_LIGHT / 1.90e14
    for mode, size in (("TE", 0.9), (1, 0.9), ("tm", 0.3), (2, 0.3)):
        assert abs(read_lumerical(path, mode=mode, wavelength=first).scattering()[1, 0]) == pytest.approx(size, rel=1e-9)
    with pytest.raises(InputError, match=r"`mode` must be one of those in part.sparam, 1 \(TE\), 2 \(TM\), but none was given"):
        read_lumerical(path)
    with pytest.raises(InputError, match=r"`mode` must be one of those .* but `TEM` was given"):
        read_lumerical(path, mode="TEM")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("(3,3)", "(4,3)", "must have 4 rows of three finite numbers"),
        ("(3,3)", "(3,5)", r"Line 4 of part.sparam must give the shape of a block like \(51,3\)"),
        ("0.9 1.0", "0.9 abc", "must have 3 rows of three finite numbers"),
        ("0.9 1.0", "nan 1.0", "must have 3 rows of three finite numbers"),
        ("transmission", "modulation", "must begin a `transmission`, but begins a `modulation`"),
        ('("port 2","TE",1', '("port 1","TE",1', "gives the one from `port 1` to `port 1` twice"),
        ("1.92e14 0.8", "1.93e14 0.8", "must have the same frequencies in every block"),
        ("1.92e14", "1.90e14", "must be two or more finite numbers above 0 Hz that rise"),
        ('"port 2","TE"', '"port 9","TE"', "must list all its ports at its head"),
        ('"transmission")', '"transmission","width")', "must give no more than a group delay"),
        ('("port 2"', "(port 2", "must be a header like"),
        ("0.9 1.0", "1.2 1.0", "A passive part must not amplify, but part.sparam has a gain of 1.20416 .* at 1.57786e-06 m"),
        (LUMERICAL, "", "holds no block of numbers"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(written, old, new, words):
    assert old in LUMERICAL
    with pytest.raises(InputError, match=words):
        read_lumerical(written(LUMERICAL.replace(old, new)))


def test_wavelengths_in_place_of_frequencies_are_refused(written):
    text = LUMERICAL
    for hertz, micrometres in (("1.90e14", "1.54"), ("1.92e14", "1.55"), ("1.94e14", "1.56")):
        text = text.replace(hertz, micrometres)
    with pytest.raises(
        InputError, match=r"frequencies of part.sparam must be those of light, .* 1.54 Hz; are they wavelengths"
    ):
        read_lumerical(written(text))


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"The Lumerical table `.*` cannot be read: No such file"):
        read_lumerical(tmp_path / "none.sparam")
    with pytest.raises(InputError, match="`path` must be the path of a Lumerical table, but is 3"):
        read_lumerical(3)


@needs_data
def test_a_measured_coupler_amplifies_a_little_and_is_brought_down_to_one():
    path = DATA / "bdc_Thickness=220_width=500.sparam"
    with pytest.raises(InputError, match=r"has a gain of 1.00688 in amplitude at 1.54242e-06 m; give passive=\"enforce\""):
        read_lumerical(path)
    part = read_lumerical(path, passive="enforce")
    wavelengths = np.linspace(1.502e-6, 1.599e-6, 400)
    gains = np.linalg.svd(jax.vmap(lambda w: part.put(wavelength=w).scattering())(wavelengths), compute_uv=False)
    assert gains.max() <= 1 + 1e-12  # also between the frequencies of the table
    assert gains[:, 0].max() > 0.999


@needs_data
def test_left_out_frequencies_are_found_again_to_half_the_second_difference_of_the_table(written):
    lines = (DATA / "Ybranch_TE_Thickness=220_width=500.sparam").read_text().splitlines()
    blocks = [lines[k : k + 53] for k in range(0, 9 * 53, 53)]
    coarse = read_lumerical(written("\n".join("\n".join([block[0], "(26,3)", *block[2::2]]) for block in blocks)))
    rows = np.array([[[float(word) for word in row.split()] for row in block[2:]] for block in blocks])
    frequencies, table = rows[0, :, 0], (rows[..., 1] * np.exp(1j * rows[..., 2])).T.reshape(51, 3, 3).swapaxes(1, 2)
    found = jax.vmap(lambda w: coarse.put(wavelength=w).scattering())(SPEED_OF_LIGHT / frequencies[1:-1:2])
    delay = np.zeros((3, 3))
    for (source, to), tau in zip(coarse.entries, coarse.group_delay, strict=True):
        delay[int(to[-1]) - 1, int(source[-1]) - 1] = tau
    still = table * np.exp(-2j * np.pi * delay * (frequencies - frequencies.mean())[:, None, None])
    bend = np.abs(still[:-2] - 2 * still[1:-1] + still[2:])[::2]
    assert bend.max() / 2 < 1e-3
    np.testing.assert_allclose(np.abs(found - table[1:-1:2]), bend / 2, rtol=0, atol=1e-4)  # frequencies to six digits


def refusal(path) -> str:
    """The words of the error, empty where the file was read."""
    try:
        read_lumerical(path)
    except InputError as error:
        return str(error)
    return ""


def is_one_line(words: str) -> bool:
    return "\n" not in words and len(words) < 400


@settings(max_examples=300, deadline=None, derandomize=True)
@given(content=st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_our_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "random.sparam"
    path.write_bytes(content)
    assert is_one_line(refusal(path))


@settings(max_examples=700, deadline=None, derandomize=True)
@given(data=st.data())
def test_mutated_tables_raise_nothing_but_our_error(tmp_path_factory, data):
    content = bytearray(LUMERICAL.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        end = min(len(content), at + data.draw(st.integers(0, 12)))
        content[at:end] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"999999999", b"(", b'"', b"\n", b"nan", b"-1", b"1e999"])
        )
        content = content or bytearray(b"x")
    path = tmp_path_factory.getbasetemp() / "mutated.sparam"
    path.write_bytes(bytes(content))
    assert is_one_line(refusal(path))
