import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.text.clean import common_lines, mask_and_count, mask_pii, normalize, without_lines
from kit.text.corpus import standard_library

# half a surrogate pair is no character, but Python's strings can hold one
ANY_TEXT = st.text(st.one_of(st.characters(), st.sampled_from("a \t\n\r\u200b\u0301\ufeff\ud800@.:1f")))


@given(ANY_TEXT)
def test_each_step_does_nothing_more_the_second_time(text):
    for step in (normalize, mask_pii, lambda text: without_lines(text, {"a", ""})):
        assert step(step(text)) == step(text)


@given(ANY_TEXT)
def test_normalize_is_nfc_utf8_and_free_of_returns(text):
    text = normalize(text)
    assert unicodedata.is_normalized("NFC", text)
    assert text.encode().decode() == text
    assert "\r" not in text
    assert " \n" not in text
    assert "\n\n\n\n" not in text


@pytest.mark.parametrize("text", ["👩‍🚀 👨‍👩‍👧 🏴󠁧󠁢󠁳󠁣󠁴󠁿", "می‌خواهم", "x² ﬁ Ⅷ", "if x:\n\treturn 1\n\n\nname = 'ß'"])
def test_normalize_keeps_what_shows(text):
    assert normalize(text) == text


def test_normalize_makes_equal_what_reads_alike():
    assert normalize("\ufeffcafe\u0301 \r\n") == normalize("caf\u00e9\n") == "café\n"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mail j.doe+x@mail.example.co.uk.", "mail <EMAIL>."),
        ("at 10.0.0.1:80, not 10.0.0.256 or 1.2.3.4.5", "at <IP>:80, not 10.0.0.256 or 1.2.3.4.5"),
        ("2001:db8::8a2e:370:7334 and fe80::1", "<IP> and <IP>"),
        ("x[::2], x[1::2], 12:30:45, std::dead", "x[::2], x[1::2], 12:30:45, std::dead"),
        ("id AKIA" + "ABCDEFGH12345678.", "id <KEY>."),
        ("ghp_" + "a1" * 18, "<KEY>"),
        ("password = 'hunter2hunter2'", "password = '<KEY>'"),
        ('{"api_key": "0123456789abcdef"}', '{"api_key": "<KEY>"}'),
        ("token = 'if'; secret = '<none so far>'", "token = 'if'; secret = '<none so far>'"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n", "<KEY>\n"),
        ("a @ b, @property, x@y", "a @ b, @property, x@y"),
    ],
)
def test_mask_private_masks_what_is_private_and_nothing_else(text, masked):
    assert mask_pii(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call +49 30 1234567, or (555) 123-4567.", "call <PHONE>, or <PHONE>."),
        ("+1 (212) 555-0100; 555-123-4567; 555.123.4567", "<PHONE>; <PHONE>; <PHONE>"),
        ("x = +12345678.5; 2020-01-02; 123-456-78901", "x = +12345678.5; 2020-01-02; 123-456-78901"),
        ("ISBN 978-0-13-110362-7, +0123456789", "ISBN 978-0-13-110362-7, +0123456789"),
    ],
)
def test_mask_private_masks_telephone_numbers(text, masked):
    assert mask_pii(text) == masked


def test_mask_and_count_counts_what_it_masked():
    text = "ann@example.org bob@example.org 192.0.2.7 <IP> token = 'abcdefghij' AKIA" + "ABCDEFGH12345678 +4930123456"
    masked, counts = mask_and_count(text)
    assert masked == mask_pii(text)
    assert counts == {"KEY": 2, "EMAIL": 2, "IP": 1, "PHONE": 1}


@given(st.lists(st.sampled_from("ae\u0301\u0316\u0344\u0f73\u0f71\u1ea5가\u3099か"), min_size=40, max_size=200))
def test_normalize_orders_many_marks_as_unicode_does(letters):
    assert normalize("".join(letters)) == unicodedata.normalize("NFC", "".join(letters))


def test_mask_private_reads_a_long_line_once():
    assert mask_pii("a" * 300_000 + ":" * 1000 + "1." * 10_000).startswith("aaa")


def test_common_lines_finds_the_licence_of_the_library():
    texts = [document.text for document in standard_library()]
    lines = common_lines(texts, min_texts=20)
    assert "# Licensed to PSF under a Contributor Agreement." in lines
    assert common_lines((without_lines(text, lines) for text in texts), min_texts=20) == set()
